package dev.escalera.batch.local;

import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.BatchExecutorBuilder;
import dev.escalera.batch.BatchOptions;
import dev.escalera.batch.CheckpointStore;
import dev.escalera.batch.internal.Engine;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Batches anything into a function of the host's: JDBC, HTTP, a sharded collection.
 *
 * <p>The function is called with up to {@link Builder#maxBatchSize} operations, on up to {@link
 * Builder#maxConcurrentBatches} threads of the executor's own, and returns one result an operation,
 * in order. An operation whose result names a failure is FAILED; if the function throws, or returns
 * null or a list of another size, all operations of the batch are UNKNOWN, unless the host says
 * more of the function: {@link Builder#repeatable}, {@link Builder#allOrNothing}.
 */
public final class LocalBatchExecutor {
  private static final long MAX_BATCH_BYTES = 9_500_000;

  private LocalBatchExecutor() {}

  /**
   * Starts an executor over a function.
   *
   * @param bulkFunction takes operations, returns a result for each, in order; may block
   * @param failureOf says of a result why its operation failed, empty if it did not
   * @param <T> the type of the operations
   * @param <R> the type of the results
   * @return a builder
   */
  public static <T, R> Builder<T, R> builder(
      Function<? super List<T>, ? extends List<R>> bulkFunction,
      Function<? super R, ? extends Optional<? extends Throwable>> failureOf) {
    return new Builder<>(bulkFunction, failureOf);
  }

  /**
   * Returns a store that keeps checkpoints as files of a folder, each replaced as a whole and
   * forced to the disk.
   *
   * @param folder is made when it is missing
   * @return a store
   */
  public static CheckpointStore checkpoints(Path folder) {
    return new FileCheckpoints(Objects.requireNonNull(folder, "folder"));
  }

  /**
   * Builds a {@link BatchExecutor} over a function. Not safe for use by several threads.
   *
   * @param <T> the type of the operations
   * @param <R> the type of the results
   */
  public static final class Builder<T, R> extends BatchExecutorBuilder<Builder<T, R>> {
    private final Function<? super List<T>, ? extends List<R>> bulkFunction;
    private final Function<? super R, ? extends Optional<? extends Throwable>> failureOf;
    private Function<? super T, ? extends @Nullable Object> keyOf = operation -> null;
    private ToLongFunction<? super T> sizeOf = operation -> 1;
    private @Nullable ToLongFunction<? super T> fingerprintOf;
    private boolean repeatable;
    private boolean allOrNothing;

    private Builder(
        Function<? super List<T>, ? extends List<R>> bulkFunction,
        Function<? super R, ? extends Optional<? extends Throwable>> failureOf) {
      super("LocalBatchExecutor", Duration.ZERO);
      this.bulkFunction = Objects.requireNonNull(bulkFunction, "bulkFunction");
      this.failureOf = Objects.requireNonNull(failureOf, "failureOf");
    }

    /**
     * Sets what the order goes by: of operations with equal keys one is in flight at a time, in the
     * order of submission. By default there is no order.
     *
     * @param keyOf gives the key of an operation, null if it has none
     * @return this builder
     */
    public Builder<T, R> keyedBy(Function<? super T, ? extends @Nullable Object> keyOf) {
      this.keyOf = Objects.requireNonNull(keyOf, "keyOf");
      return this;
    }

    /**
     * Sets how large an operation is; 1 by default. A batch ends at 9,500,000 in sum.
     *
     * @param sizeOf gives the bytes of an operation, at least 0
     * @return this builder
     */
    public Builder<T, R> sizedBy(ToLongFunction<? super T> sizeOf) {
      this.sizeOf = Objects.requireNonNull(sizeOf, "sizeOf");
      return this;
    }

    /**
     * Says that an operation may be applied twice without harm, so that a batch is sent again when
     * the function throws. Runs with a checkpoint need this.
     *
     * @param fingerprintOf gives a hash of an operation that is the same in every process, by which
     *     a run knows its checkpoint
     * @return this builder
     */
    public Builder<T, R> repeatable(ToLongFunction<? super T> fingerprintOf) {
      this.fingerprintOf = Objects.requireNonNull(fingerprintOf, "fingerprintOf");
      this.repeatable = true;
      return this;
    }

    /**
     * Says that the function has applied nothing when it throws, such as a transaction that was
     * rolled back. A batch is then divided until what is to blame is alone, which is FAILED, and
     * the others are applied; and {@link BatchExecutor#submitAtomic} works.
     *
     * @return this builder
     */
    public Builder<T, R> allOrNothing() {
      this.allOrNothing = true;
      return this;
    }

    /**
     * Builds the executor.
     *
     * @return an executor, to be closed
     */
    public BatchExecutor<T> build() {
      BatchOptions options = options();
      FunctionTransport.Traits<T> traits =
          new FunctionTransport.Traits<>(keyOf, sizeOf, repeatable, allOrNothing, fingerprintOf);
      return new Engine<>(
          options,
          new FunctionTransport<>(bulkFunction, failureOf, traits, options.maxConcurrentBatches()),
          MAX_BATCH_BYTES);
    }

    @Override
    protected Builder<T, R> self() {
      return this;
    }
  }
}
