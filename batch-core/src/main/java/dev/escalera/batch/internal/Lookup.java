package dev.escalera.batch.internal;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Reads keys from a store. */
public interface Lookup<K, V> extends AutoCloseable {
  /**
   * What was found of a key.
   *
   * @param value null if there is none
   * @param failure why the key could not be read; null if it could
   */
  record Found<V>(@Nullable V value, @Nullable Throwable failure) {}

  /** Reads different keys; completes with what was found of each, in order, or fails. */
  CompletableFuture<List<Found<V>>> load(List<K> keys);

  @Override
  void close();
}
