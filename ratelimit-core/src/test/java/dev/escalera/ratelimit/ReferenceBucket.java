package dev.escalera.ratelimit;

import io.github.bucket4j.Bandwidth;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.TimeMeter;
import java.math.BigInteger;
import java.time.Duration;
import java.util.List;

/**
 * Bucket4j's own bucket, fed with microseconds where it says nanoseconds. It rounds the time to
 * wait down; here that time is counted apart, in big integers, and rounded up.
 */
final class ReferenceBucket {
  private final Limit limit;
  private final Bucket bucket;
  private long now;
  private BigInteger gained;

  ReferenceBucket(Limit limit, long now) {
    this.limit = limit;
    this.now = now;
    // In tokens x period, so that nothing is ever rounded.
    this.gained = full();
    TimeMeter meter =
        new TimeMeter() {
          @Override
          public long currentTimeNanos() {
            return ReferenceBucket.this.now;
          }

          @Override
          public boolean isWallClockBased() {
            return false;
          }
        };
    this.bucket =
        Bucket.builder()
            .addLimit(
                Bandwidth.builder()
                    .capacity(limit.burst())
                    .refillGreedy(limit.capacity(), Duration.ofNanos(period().longValueExact()))
                    .build())
            .withCustomTimePrecision(meter)
            .build();
  }

  /** Returns allowed, remaining and microseconds to retry. */
  List<Object> decide(long cost, long time) {
    gained =
        gained
            .add(BigInteger.valueOf(time - now).multiply(BigInteger.valueOf(limit.capacity())))
            .min(full());
    now = time;
    boolean allowed = bucket.tryConsume(cost);
    BigInteger wanted = BigInteger.valueOf(cost).multiply(period());
    long retry = 0;
    if (allowed) {
      gained = gained.subtract(wanted);
    } else {
      BigInteger capacity = BigInteger.valueOf(limit.capacity());
      retry =
          wanted
              .subtract(gained)
              .add(capacity)
              .subtract(BigInteger.ONE)
              .divide(capacity)
              .longValueExact();
    }
    return List.of(allowed, bucket.getAvailableTokens(), retry);
  }

  /** Returns the tokens that are there at a time, to which the bucket is brought. */
  long holds(long time) {
    gained =
        gained
            .add(BigInteger.valueOf(time - now).multiply(BigInteger.valueOf(limit.capacity())))
            .min(full());
    now = time;
    return bucket.getAvailableTokens();
  }

  private BigInteger full() {
    return BigInteger.valueOf(limit.burst()).multiply(period());
  }

  private BigInteger period() {
    return BigInteger.valueOf(limit.period().toNanos() / 1_000);
  }
}
