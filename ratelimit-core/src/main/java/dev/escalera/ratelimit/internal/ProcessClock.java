package dev.escalera.ratelimit.internal;

import java.time.Duration;
import java.time.Instant;
import java.util.function.LongSupplier;

/** The time of this process, carried on from its start by the monotonic clock. */
public final class ProcessClock {
  private final LongSupplier nanoTime;
  private final long start;
  private final long startNanos;

  public ProcessClock(LongSupplier nanoTime, Instant start) {
    this.nanoTime = nanoTime;
    this.start = Duration.between(Instant.EPOCH, start).toNanos();
    this.startNanos = nanoTime.getAsLong();
  }

  public static ProcessClock system() {
    return new ProcessClock(System::nanoTime, Instant.now());
  }

  public long nanos() {
    return nanoTime.getAsLong();
  }

  /** Returns the time since 1970. */
  public long epochNanos() {
    return epochNanos(nanos());
  }

  /** Returns the time since 1970 at which the monotonic clock said {@code nanos}. */
  public long epochNanos(long nanos) {
    return start + (nanos - startNanos);
  }
}
