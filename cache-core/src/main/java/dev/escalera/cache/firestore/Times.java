package dev.escalera.cache.firestore;

import com.google.cloud.Timestamp;
import java.time.Duration;

/** Reckons with times of Firestore. */
final class Times {
  private Times() {}

  static long nanos(Timestamp from, Timestamp to) {
    return (to.getSeconds() - from.getSeconds()) * 1_000_000_000 + to.getNanos() - from.getNanos();
  }

  static Timestamp before(Timestamp time, Duration whole) {
    return Timestamp.ofTimeSecondsAndNanos(time.getSeconds() - whole.toSeconds(), time.getNanos());
  }
}
