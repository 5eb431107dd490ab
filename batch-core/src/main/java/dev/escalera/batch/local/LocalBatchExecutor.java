package dev.escalera.batch.local;

import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.WhenFull;
import dev.escalera.batch.internal.Engine;
import dev.escalera.batch.internal.Settings;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Batches anything into a function of the host's: JDBC, HTTP, a sharded collection.
 *
 * <p>The function is called with up to {@link Builder#maxBatchSize} operations, on up to {@link
 * Builder#maxConcurrentBatches} threads of the executor's own, and returns one result an operation,
 * in order. An operation whose result names a failure is FAILED; if the function throws, or returns
 * null or a list of another size, all operations of the batch are UNKNOWN. Nothing is retried: what
 * is safe to repeat is known to the function alone.
 */
public final class LocalBatchExecutor {
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
   * Builds a {@link BatchExecutor} over a function. Not safe for use by several threads.
   *
   * @param <T> the type of the operations
   * @param <R> the type of the results
   */
  public static final class Builder<T, R> {
    private final Function<? super List<T>, ? extends List<R>> bulkFunction;
    private final Function<? super R, ? extends Optional<? extends Throwable>> failureOf;
    private final Settings settings = new Settings();
    private Function<? super T, ? extends @Nullable Object> keyOf = operation -> null;

    private Builder(
        Function<? super List<T>, ? extends List<R>> bulkFunction,
        Function<? super R, ? extends Optional<? extends Throwable>> failureOf) {
      this.bulkFunction = Objects.requireNonNull(bulkFunction, "bulkFunction");
      this.failureOf = Objects.requireNonNull(failureOf, "failureOf");
      settings.maxRetries(0);
      settings.unknownHold(Duration.ZERO);
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
     * Sets how many operations a batch has at most; 500 by default.
     *
     * @param maxBatchSize from 1 to 500
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder<T, R> maxBatchSize(int maxBatchSize) {
      settings.maxBatchSize(maxBatchSize);
      return this;
    }

    /**
     * Sets how many batches are in flight at most; 10 by default.
     *
     * @param maxConcurrentBatches from 1 to 1,000
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder<T, R> maxConcurrentBatches(int maxConcurrentBatches) {
      settings.maxConcurrentBatches(maxConcurrentBatches);
      return this;
    }

    /**
     * Sets how long an operation waits at most for others to fill its batch; 5 ms by default.
     *
     * @param linger from zero to an hour
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder<T, R> linger(Duration linger) {
      settings.linger(linger);
      return this;
    }

    /**
     * Sets how many operations wait or are in flight at most; 20,000 by default.
     *
     * @param maxPending at least 1
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder<T, R> maxPending(int maxPending) {
      settings.maxPending(maxPending);
      return this;
    }

    /**
     * Sets what happens when as many wait; {@link WhenFull#BLOCK} by default.
     *
     * @param whenFull what to do
     * @return this builder
     */
    public Builder<T, R> whenFull(WhenFull whenFull) {
      settings.whenFull(whenFull);
      return this;
    }

    /**
     * Builds the executor.
     *
     * @return an executor, to be closed
     */
    public BatchExecutor<T> build() {
      return new Engine<>(
          "LocalBatchExecutor",
          settings,
          new FunctionTransport<>(bulkFunction, failureOf, keyOf, settings.maxConcurrentBatches()),
          Long.MAX_VALUE);
    }
  }
}
