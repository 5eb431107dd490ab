package dev.escalera.ratelimit;

import dev.escalera.ratelimit.internal.ProcessClock;
import java.time.Duration;
import java.time.Instant;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;

/** A clock in microseconds that moves when it is told to. */
public final class ManualClock {
  private final AtomicLong micros = new AtomicLong(1_700_000_000_000_000L);

  public void advance(Duration duration) {
    micros.addAndGet(duration.toNanos() / 1_000);
  }

  public void advanceMicros(long step) {
    micros.addAndGet(step);
  }

  public OptionalLong micros() {
    return OptionalLong.of(micros.get());
  }

  public long nanos() {
    return micros.get() * 1_000;
  }

  /** As the clock of a process. */
  public ProcessClock process() {
    return new ProcessClock(this::nanos, Instant.EPOCH);
  }
}
