package dev.escalera.sharding.redis;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Fails futures that are late. One timer serves many: most calls are answered in time, and a timer
 * for each would wake a thread for each. Safe for use by several threads.
 */
final class Deadlines {
  /** Times are compared by what has passed since then. */
  private static final long ORIGIN = System.nanoTime();

  private record Watched(long end, CompletableFuture<?> future) {}

  /** By their ends; those that are done leave when they are the first. Guarded by this. */
  private final PriorityQueue<Watched> watched =
      new PriorityQueue<>(Comparator.comparingLong(each -> each.end - ORIGIN));

  /** When the timer that was set last goes off. Guarded by this. */
  private long alarm;

  private boolean set;

  /** Fails the future by a TimeoutException if it is not done by then. */
  void watch(CompletableFuture<?> future, long timeoutNanos) {
    long end = System.nanoTime() + timeoutNanos;
    synchronized (this) {
      while (!watched.isEmpty() && watched.element().future.isDone()) {
        watched.remove();
      }
      watched.add(new Watched(end, future));
      setFor(end);
    }
  }

  /** How many are watched; for tests. */
  synchronized int size() {
    return watched.size();
  }

  private synchronized void setFor(long end) {
    if (set && alarm - end <= 0) {
      return;
    }
    set = true;
    alarm = end;
    Executor then =
        CompletableFuture.delayedExecutor(
            Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS, Runnable::run);
    then.execute(() -> ring(end));
  }

  private void ring(long end) {
    List<CompletableFuture<?>> late = new ArrayList<>();
    synchronized (this) {
      if (alarm == end) {
        set = false;
      }
      long now = System.nanoTime();
      while (!watched.isEmpty()
          && (watched.element().future.isDone() || watched.element().end - now <= 0)) {
        late.add(watched.remove().future);
      }
      if (!watched.isEmpty()) {
        setFor(watched.element().end);
      }
    }
    for (CompletableFuture<?> future : late) {
      if (!future.isDone()) {
        future.completeExceptionally(new TimeoutException());
      }
    }
  }
}
