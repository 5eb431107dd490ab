package dev.escalera.cache.firestore;

import java.time.Duration;

/**
 * How far a listener of the log looks back, in Firestore's time and whole seconds.
 *
 * @param window how far when it begins; when it is that old, another takes over
 * @param overlap how far at least beyond what was heard before, since late timestamps are possible
 * @param maxGap how long nothing may be heard before changes may be gone from the log
 * @param maxSilence how long nothing is heard, though heartbeats are written, before another takes
 *     over
 */
record Windows(Duration window, Duration overlap, Duration maxGap, Duration maxSilence) {
  /** How long the document of a change lives, by the clock of its node, give or take. */
  static final Duration LIFE = Duration.ofHours(1);

  static final Windows DEFAULT =
      new Windows(
          Duration.ofMinutes(5), Duration.ofMinutes(2), LIFE.dividedBy(2), Duration.ofSeconds(30));
}
