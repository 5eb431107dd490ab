package dev.escalera.sharding.internal;

import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongSupplier;

/**
 * How often something happens, over the last minute: six counts of ten seconds each, of which the
 * oldest is being replaced.
 */
final class Rate {
  private static final long PART_NANOS = 10_000_000_000L;
  private static final int PARTS = 7;

  private final LongSupplier nanoTime;
  private final long origin;

  /** Number of the part of time in the upper 32 bits, the count below. */
  private final AtomicLongArray parts = new AtomicLongArray(PARTS);

  Rate(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.origin = nanoTime.getAsLong();
  }

  void add() {
    long number = number();
    parts.updateAndGet(
        (int) (number % PARTS), part -> part >>> 32 == number ? part + 1 : number << 32 | 1);
  }

  double perSecond() {
    long elapsed = nanoTime.getAsLong() - origin;
    long number = elapsed / PART_NANOS + 1;
    long sum = 0;
    for (int i = 0; i < PARTS; i++) {
      long part = parts.get(i);
      if (part >>> 32 > number - PARTS) {
        sum += part & 0xFFFFFFFFL;
      }
    }
    long covered = Math.min(elapsed, (PARTS - 1) * PART_NANOS + elapsed % PART_NANOS);
    return covered <= 0 ? 0 : sum * 1e9 / covered;
  }

  /** From 1, so that an unused part is none of time. */
  private long number() {
    return (nanoTime.getAsLong() - origin) / PART_NANOS + 1;
  }
}
