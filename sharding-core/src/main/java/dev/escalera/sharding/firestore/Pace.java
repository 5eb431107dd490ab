package dev.escalera.sharding.firestore;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * How many calls of one bulk or page are in flight: one more with each that ends soon, half as many
 * once one takes a good part of the deadline, so that what waits in queues on the way ends in time.
 * Safe for use by any number of threads.
 */
final class Pace {
  /** Of the deadline: what is soon, and what is late. */
  private static final int SOON = 20;

  private static final int LATE = 5;

  private final long soonNanos;
  private final long lateNanos;
  private final int most;
  private final LongSupplier nanoTime;
  private final AtomicInteger atOnce;

  /** When it was halved: what was sent before says nothing of how it is now. */
  private final AtomicLong slowed;

  Pace(Duration deadline, int start, int most, LongSupplier nanoTime) {
    this.soonNanos = deadline.toNanos() / SOON;
    this.lateNanos = deadline.toNanos() / LATE;
    this.most = most;
    this.nanoTime = nanoTime;
    this.atOnce = new AtomicInteger(start);
    this.slowed = new AtomicLong(nanoTime.getAsLong());
  }

  int atOnce() {
    return atOnce.get();
  }

  <T> CompletableFuture<T> timed(Supplier<CompletableFuture<T>> call) {
    long start = nanoTime.getAsLong();
    return call.get().whenComplete((value, failure) -> took(start, nanoTime.getAsLong()));
  }

  private void took(long start, long end) {
    if (end - start < soonNanos) {
      atOnce.updateAndGet(now -> Math.min(most, now + 1));
      return;
    }
    long before = slowed.get();
    if (end - start > lateNanos && start - before >= 0 && slowed.compareAndSet(before, end)) {
      atOnce.updateAndGet(now -> Math.max(1, now / 2));
    }
  }
}
