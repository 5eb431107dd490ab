package dev.escalera.cache;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** A clock in nanoseconds that moves when it is told to. */
public final class ManualTicker {
  private final AtomicLong nanos = new AtomicLong(1);

  public void advance(Duration duration) {
    nanos.addAndGet(duration.toNanos());
  }

  public long nanos() {
    return nanos.get();
  }
}
