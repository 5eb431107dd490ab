package dev.escalera.sharding.local;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Times that grow from call to call, for writes and for snapshots; and whether a snapshot may still
 * be read, for which writes must keep what they replace.
 */
final class Moments {
  private static final Duration KEPT = Duration.ofHours(1);

  private final InstantSource clock;
  private final AtomicLong last = new AtomicLong();
  private final AtomicLong snapshot = new AtomicLong(Long.MIN_VALUE);

  Moments(InstantSource clock) {
    this.clock = clock;
  }

  /** Returns a time that is greater than all before. */
  long next() {
    long now = ChronoUnit.MICROS.between(Instant.EPOCH, clock.instant());
    return last.updateAndGet(before -> Math.max(before + 1, now));
  }

  /** Begins a snapshot: a write that gets a greater time than this one keeps what it replaces. */
  Instant snapshot() {
    // First: whoever gets a greater time sees it.
    snapshot.accumulateAndGet(next(), Math::max);
    return Instant.EPOCH.plus(next(), ChronoUnit.MICROS);
  }

  /** Returns whether a write of a time has to keep what it replaces. */
  boolean isKept(long written) {
    return snapshot.get() >= oldest(written);
  }

  /** Returns the time of which no snapshot is read any more, as of a time. */
  long oldest(long now) {
    return now - KEPT.toNanos() / 1_000;
  }

  static long micros(Instant at) {
    return ChronoUnit.MICROS.between(Instant.EPOCH, at);
  }
}
