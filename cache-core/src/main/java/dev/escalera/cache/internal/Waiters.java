package dev.escalera.cache.internal;

import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Those who wait for the load of another node, by the hash of the key: few, as calls of one process
 * share a flight. They are woken in the order in which they came.
 */
final class Waiters {
  private final Map<Long, Queue<Waiter>> waiting = new ConcurrentHashMap<>();
  private final Platform platform;

  private static final class Waiter {
    final CompletableFuture<Void> woken = new CompletableFuture<>();
  }

  Waiters(Platform platform) {
    this.platform = platform;
  }

  /** Ends when news of a hash comes, or when the time is over. */
  CompletableFuture<Void> await(long hash, long nanos) {
    Waiter waiter = new Waiter();
    waiting.compute(
        hash,
        (same, all) -> {
          Queue<Waiter> queue = all == null ? new ConcurrentLinkedQueue<>() : all;
          queue.add(waiter);
          return queue;
        });
    platform.after(nanos, () -> waiter.woken.complete(null));
    // What is returned depends on the leaving: whoever waits again does not find itself.
    return waiter.woken.whenComplete((done, failure) -> leave(hash, waiter));
  }

  private void leave(long hash, Waiter waiter) {
    waiting.computeIfPresent(
        hash,
        (same, all) -> {
          all.remove(waiter);
          return all.isEmpty() ? null : all;
        });
  }

  void wake(long hash) {
    Queue<Waiter> all = waiting.get(hash);
    if (all != null) {
      // Those who wait go on elsewhere: this is a driver's thread.
      for (Waiter each : all) {
        platform.executor().execute(() -> each.woken.complete(null));
      }
    }
  }
}
