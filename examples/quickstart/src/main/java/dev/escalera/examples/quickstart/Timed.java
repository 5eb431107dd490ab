package dev.escalera.examples.quickstart;

import java.time.Duration;
import java.util.Locale;
import java.util.function.Supplier;

/** A value and how long it took. */
record Timed<T>(T value, Duration took) {
  static <T> Timed<T> of(Supplier<T> work) {
    long start = System.nanoTime();
    T value = work.get();
    return new Timed<>(value, Duration.ofNanos(System.nanoTime() - start));
  }

  String text() {
    double millis = took.toNanos() / 1e6;
    if (millis < 1) {
      return String.format(Locale.ROOT, "%.3f ms", millis);
    }
    return millis < 1_000
        ? String.format(Locale.ROOT, "%.1f ms", millis)
        : String.format(Locale.ROOT, "%.2f s", millis / 1_000);
  }
}
