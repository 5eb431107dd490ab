package dev.escalera.cache.internal;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** As many loads as L1 lost values wait for their turn, so that they reach the source at a rate. */
final class Turns {
  private static final long SECOND = 1_000_000_000;

  private final int rate;
  private final Platform platform;

  /** How many loads still wait for a turn, until when, and when the last one has its own. */
  private final AtomicInteger left = new AtomicInteger();

  private final AtomicLong last = new AtomicLong();
  private volatile long end;

  /** Makes turns of as many loads a second. */
  Turns(int rate, Platform platform) {
    this.rate = rate;
    this.platform = platform;
  }

  /** Lets as many loads wait from now on. */
  void begin(int loads) {
    end = platform.nanos() + pause(loads);
    last.set(platform.nanos() - pause(1));
    left.set(loads);
  }

  /** Returns for how long as many loads have to wait, in nanoseconds. */
  long take(int loads) {
    if (left.get() <= 0) {
      return 0;
    }
    long now = platform.nanos();
    if (now - end >= 0) {
      left.set(0);
      return 0;
    }
    left.addAndGet(-loads);
    long each = pause(loads);
    long mine = last.updateAndGet(at -> (at + each - now > 0 ? at : now - each) + each);
    return mine - now;
  }

  /** Returns the time in which as many keys are due. */
  long pause(int keys) {
    return keys * SECOND / rate;
  }
}
