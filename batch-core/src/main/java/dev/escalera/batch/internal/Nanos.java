package dev.escalera.batch.internal;

import java.time.Duration;

/** Durations as nanoseconds. */
final class Nanos {
  private Nanos() {}

  /** Returns the nanoseconds of a duration, the most there are if it is longer than that. */
  static long of(Duration duration) {
    try {
      return duration.toNanos();
    } catch (ArithmeticException e) {
      return Long.MAX_VALUE;
    }
  }
}
