package dev.escalera.sharding.firestore;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * How many calls of one bulk or page are in flight: one more when all of a round end soon, half as
 * many once one takes a good part of the deadline, so that what waits in queues on the way ends in
 * time. Safe for use by any number of threads.
 */
final class Pace {
  /** How much more is late than what is soon. */
  private static final int LATE = 4;

  private final long soonNanos;
  private final long lateNanos;
  private final int most;
  private final LongSupplier nanoTime;
  private final AtomicInteger atOnce;
  private final AtomicInteger soon = new AtomicInteger();

  /** When it was halved: what was sent before says nothing of how it is now. */
  private final AtomicLong slowed;

  /** Begins with {@code start} calls. */
  Pace(Duration soon, int start, int most, LongSupplier nanoTime) {
    this.soonNanos = soon.toNanos();
    this.lateNanos = LATE * soonNanos;
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
      if (soon.incrementAndGet() >= atOnce.get()) {
        soon.set(0);
        atOnce.updateAndGet(now -> Math.min(most, now + 1));
      }
      return;
    }
    long before = slowed.get();
    if (end - start > lateNanos && start - before >= 0 && slowed.compareAndSet(before, end)) {
      soon.set(0);
      atOnce.updateAndGet(now -> Math.max(1, now / 2));
    }
  }
}
