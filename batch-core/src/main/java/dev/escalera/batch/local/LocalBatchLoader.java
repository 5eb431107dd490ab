package dev.escalera.batch.local;

import dev.escalera.batch.BatchLoader;
import dev.escalera.batch.BatchLoaderBuilder;
import dev.escalera.batch.internal.Loader;
import dev.escalera.batch.internal.Lookup;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Loads by a function of the host's: a query with many keys, an HTTP call. The function gets
 * different keys and returns a map of those that it found, on threads of the loader's own; if it
 * throws, all keys of the call fail.
 */
public final class LocalBatchLoader {
  private LocalBatchLoader() {}

  /**
   * Starts a loader over a function.
   *
   * @param bulkFunction takes different keys, returns the values of those that there are; may block
   * @param <K> the type of the keys
   * @param <V> the type of the values
   * @return a builder
   */
  public static <K, V> Builder<K, V> builder(
      Function<? super List<K>, ? extends Map<K, V>> bulkFunction) {
    return new Builder<>(bulkFunction);
  }

  /**
   * Builds a {@link BatchLoader} over a function. Not safe for use by several threads.
   *
   * @param <K> the type of the keys
   * @param <V> the type of the values
   */
  public static final class Builder<K, V> extends BatchLoaderBuilder<Builder<K, V>> {
    private final Function<? super List<K>, ? extends Map<K, V>> bulkFunction;
    private Function<? super V, ? extends Optional<? extends Throwable>> failureOf =
        value -> Optional.empty();

    private Builder(Function<? super List<K>, ? extends Map<K, V>> bulkFunction) {
      this.bulkFunction = Objects.requireNonNull(bulkFunction, "bulkFunction");
    }

    /**
     * Sets what says of a value that it stands for a failure, which is then that of its key; none
     * does by default.
     *
     * @param failureOf gives the failure, empty if there is none
     * @return this builder
     */
    public Builder<K, V> failureOf(
        Function<? super V, ? extends Optional<? extends Throwable>> failureOf) {
      this.failureOf = Objects.requireNonNull(failureOf, "failureOf");
      return this;
    }

    /**
     * Builds the loader.
     *
     * @return a loader, to be closed
     */
    public BatchLoader<K, V> build() {
      return new Loader<>(
          "LocalBatchLoader",
          options(),
          new FunctionLookup<>(bulkFunction, failureOf, options().maxConcurrentBatches()));
    }

    @Override
    protected Builder<K, V> self() {
      return this;
    }
  }

  /** Calls the function on threads of its own. */
  private static final class FunctionLookup<K, V> implements Lookup<K, V> {
    private final Function<? super List<K>, ? extends Map<K, V>> bulkFunction;
    private final Function<? super V, ? extends Optional<? extends Throwable>> failureOf;
    private final ExecutorService threads;

    FunctionLookup(
        Function<? super List<K>, ? extends Map<K, V>> bulkFunction,
        Function<? super V, ? extends Optional<? extends Throwable>> failureOf,
        int maxThreads) {
      this.bulkFunction = bulkFunction;
      this.failureOf = failureOf;
      this.threads = Threads.atMost(maxThreads, "escalera-batch-load");
    }

    @Override
    public CompletableFuture<List<Found<V>>> load(List<K> keys) {
      return CompletableFuture.supplyAsync(() -> found(keys), threads);
    }

    @Override
    public void close() {
      threads.shutdown();
    }

    private List<Found<V>> found(List<K> keys) {
      Map<K, V> values = bulkFunction.apply(keys);
      List<Found<V>> found = new ArrayList<>(keys.size());
      for (K key : keys) {
        @Nullable V value = values.get(key);
        Optional<? extends Throwable> failure =
            value == null ? Optional.empty() : failureOf.apply(value);
        found.add(new Found<>(value, failure.isPresent() ? failure.get() : null));
      }
      return found;
    }
  }
}
