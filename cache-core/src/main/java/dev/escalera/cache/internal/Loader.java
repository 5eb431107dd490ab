package dev.escalera.cache.internal;

import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** The host's loader, whatever its form. */
@FunctionalInterface
interface Loader<K, V> {
  CompletableFuture<@Nullable V> load(K key);
}
