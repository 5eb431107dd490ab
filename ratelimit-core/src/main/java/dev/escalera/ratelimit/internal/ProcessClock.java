package dev.escalera.ratelimit.internal;

import java.time.Instant;
import java.util.function.LongSupplier;

/** The time of this process, carried on from its start by the monotonic clock. */
public final class ProcessClock {
  private final LongSupplier nanoTime;
  private final Instant start;
  private final long startNanos;

  public ProcessClock(LongSupplier nanoTime, Instant start) {
    this.nanoTime = nanoTime;
    this.start = start;
    this.startNanos = nanoTime.getAsLong();
  }

  public static ProcessClock system() {
    return new ProcessClock(System::nanoTime, Instant.now());
  }

  public long nanos() {
    return nanoTime.getAsLong();
  }

  public Instant instant() {
    return instant(nanos());
  }

  public Instant instant(long nanos) {
    return start.plusNanos(nanos - startNanos);
  }
}
