package dev.escalera.cache.firestore;

import com.google.cloud.Timestamp;
import java.time.Duration;
import java.time.Instant;

/** Reckons with times of Firestore. */
final class Times {
  private Times() {}

  static long nanos(Timestamp from, Timestamp to) {
    return (to.getSeconds() - from.getSeconds()) * 1_000_000_000 + to.getNanos() - from.getNanos();
  }

  static Timestamp before(Timestamp time, Duration whole) {
    return Timestamp.ofTimeSecondsAndNanos(time.getSeconds() - whole.toSeconds(), time.getNanos());
  }

  /**
   * When a policy of the database may delete a document, by this node's clock: not a moment of
   * ours.
   */
  static Timestamp garbageAt(Duration life) {
    Instant at = Instant.now().plus(life);
    return Timestamp.ofTimeSecondsAndNanos(at.getEpochSecond(), at.getNano());
  }
}
