package dev.escalera.batch.internal;

import dev.escalera.batch.BatchOptions;
import dev.escalera.batch.RampUp;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * How many operations may be sent now: a token bucket whose rate follows what the store takes, by
 * additive increase and multiplicative decrease (Chiu and Jain, 1989), and is bounded by a ramp.
 * There is no bound before the first sign of overload. Guarded by the engine's lock; times are
 * nanoseconds of its clock.
 */
final class Pace {
  private static final double SECOND = 1e9;

  /** No sign of overload is heard twice: what was in flight at the first one says the same. */
  private static final long DECREASE_EVERY = 200_000_000L;

  private static final double DECREASE = 0.7;
  private static final double LEAST = 10;

  /** The share of a batch that must be refused to mean the store and not a document. */
  private static final double OVERLOADED_SHARE = 0.05;

  /** Batches slower than this and than so many times the fastest are a sign of overload. */
  private static final long SLOW = 1_000_000_000L;

  private static final int SLOW_FACTOR = 5;

  /** How many seconds' worth of the rate may go out at once. */
  private static final double BURST_SECONDS = 0.2;

  private final boolean adaptive;
  private final Optional<RampUp> rampUp;
  private final long rampBegan;
  private final int maxBatchSize;
  private final Delivery delivery;

  private double limit = Double.POSITIVE_INFINITY;
  private double rampNow = Double.POSITIVE_INFINITY;
  private double tokens;
  private long refilled;
  private long decreased;
  private long increased;
  private long fastest = Long.MAX_VALUE;
  private volatile double shown = Double.POSITIVE_INFINITY;

  Pace(BatchOptions options, long now, Instant wallClock) {
    this.adaptive = options.adaptiveRate();
    this.rampUp = options.rampUp();
    this.maxBatchSize = options.maxBatchSize();
    this.rampBegan =
        rampUp
            .flatMap(RampUp::begun)
            .map(begun -> now - Duration.between(begun, wallClock).toNanos())
            .orElse(now);
    this.delivery = new Delivery(now);
    this.refilled = now;
    this.decreased = now - DECREASE_EVERY;
    this.increased = now;
  }

  /** Returns how many operations may be sent now, at most {@code wanted}. */
  int allowance(long now, int wanted) {
    double rate = refill(now);
    if (rate == Double.POSITIVE_INFINITY) {
      return wanted;
    }
    return tokens < worth(rate, wanted) ? 0 : (int) Math.min(wanted, tokens);
  }

  /** Returns when there will be an allowance, in nanoseconds from now. */
  long untilAllowance(long now, int wanted) {
    double rate = refill(now);
    return (long) Math.max(1_000_000, (worth(rate, wanted) - tokens) / rate * SECOND);
  }

  /** Not operation by operation: a batch is worth waiting for a little. */
  private static double worth(double rate, int wanted) {
    return Math.max(1, Math.min(wanted, rate * BURST_SECONDS / 2));
  }

  void sent(int operations) {
    if (rateNow() != Double.POSITIVE_INFINITY) {
      tokens -= operations;
    }
  }

  /** Learns from the answer to a batch. */
  void answered(long now, long nanos, int size, int applied, int overloaded) {
    delivery.add(now, applied);
    if (!adaptive) {
      return;
    }
    boolean slow = applied > 0 && isSlow(nanos);
    if (overloaded > size * OVERLOADED_SHARE || slow) {
      decrease(now);
    } else if (applied > 0 && limit != Double.POSITIVE_INFINITY) {
      increase(now);
    }
  }

  OptionalDouble limit() {
    double rate = shown;
    return rate == Double.POSITIVE_INFINITY ? OptionalDouble.empty() : OptionalDouble.of(rate);
  }

  private boolean isSlow(long nanos) {
    fastest = Math.min(fastest, Math.max(1, nanos));
    return nanos > SLOW && nanos / SLOW_FACTOR > fastest;
  }

  private void decrease(long now) {
    if (now - decreased < DECREASE_EVERY) {
      return;
    }
    decreased = now;
    increased = now;
    double delivered = Math.max(LEAST, delivery.perSecond(now));
    limit = Math.max(LEAST, Math.min(limit, delivered) * DECREASE);
    tokens = Math.min(tokens, 0);
  }

  private void increase(long now) {
    double seconds = Math.min(1, (now - increased) / SECOND);
    increased = now;
    // Only what is made use of shows that there is more.
    if (delivery.perSecond(now) > limit / 2) {
      limit += Math.max(maxBatchSize, delivery.best() / 10) * seconds;
    }
  }

  private double refill(long now) {
    rampNow = ramp(now);
    double rate = rateNow();
    shown = rate;
    if (rate != Double.POSITIVE_INFINITY) {
      double most = Math.max(1, Math.min(maxBatchSize, rate * BURST_SECONDS));
      tokens = Math.min(most, tokens + rate * (now - refilled) / SECOND);
    }
    refilled = now;
    return rate;
  }

  private double rateNow() {
    return Math.min(limit, rampNow);
  }

  private double ramp(long now) {
    return rampUp
        .map(ramp -> ramp.perSecond(Duration.ofNanos(now - rampBegan)))
        .orElse(Double.POSITIVE_INFINITY);
  }

  /** How many operations a second are applied, over the last half second or so. */
  private static final class Delivery {
    private static final long WINDOW = 250_000_000L;

    private long began;
    private long inWindow;
    private double last;
    private double best;

    Delivery(long now) {
      this.began = now;
    }

    void add(long now, int applied) {
      roll(now);
      inWindow += applied;
    }

    double perSecond(long now) {
      roll(now);
      // The window that has just begun says little.
      double open = Math.max(WINDOW, now - began) / SECOND;
      return Math.max(last, inWindow / open);
    }

    double best() {
      return best;
    }

    private void roll(long now) {
      long past = now - began;
      if (past >= WINDOW) {
        last = inWindow / (past / SECOND);
        best = Math.max(best, last);
        inWindow = 0;
        began = now;
      }
    }
  }
}
