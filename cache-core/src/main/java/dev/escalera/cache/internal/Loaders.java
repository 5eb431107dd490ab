package dev.escalera.cache.internal;

import dev.escalera.cache.internal.Flights.AbandonedException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/** Calls the host's loaders, and knows which run in which thread: one must not wait for itself. */
final class Loaders<K> {
  private final Set<Loading> running = ConcurrentHashMap.newKeySet();

  /** A loader that runs in a thread. */
  private record Loading(Thread thread, Object key) {}

  /** Whether this thread runs the loader of a key: it would wait for itself. */
  boolean isLoading(K key) {
    return running.contains(new Loading(Thread.currentThread(), key));
  }

  static RefusedException recursion() {
    return new RefusedException("the loader asks the cache for the key that it loads", null);
  }

  /** Runs a loader of keys in this thread. */
  <T> CompletableFuture<T> run(Set<K> keys, Supplier<CompletableFuture<T>> loader) {
    List<Loading> here = new ArrayList<>(keys.size());
    keys.forEach(key -> here.add(new Loading(Thread.currentThread(), key)));
    running.addAll(here);
    try {
      return loader.get();
    } catch (Throwable e) {
      // An Error too: those who wait for this load must learn of it.
      return CompletableFuture.failedFuture(
          Thread.currentThread().isInterrupted() || isInterruption(e)
              ? new AbandonedException(e)
              : e);
    } finally {
      here.forEach(running::remove);
    }
  }

  private static boolean isInterruption(Throwable failure) {
    for (Throwable e = failure; e != null; e = e.getCause()) {
      if (e instanceof InterruptedException) {
        return true;
      }
    }
    return false;
  }
}
