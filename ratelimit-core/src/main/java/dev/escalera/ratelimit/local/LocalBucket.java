package dev.escalera.ratelimit.local;

import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.internal.Limits;
import dev.escalera.ratelimit.internal.Outcome;
import io.github.bucket4j.Bandwidth;
import io.github.bucket4j.BucketConfiguration;
import io.github.bucket4j.BucketState;
import io.github.bucket4j.MathType;
import java.time.Duration;

/**
 * Bucket4j's state of a bucket, fed with microseconds where it says nanoseconds: so its integers,
 * and what they round, are those of the stores. Guarded by its entry in the table.
 */
final class LocalBucket {
  private final Limit limit;
  private BucketState state;

  /** When the state was made, by the clock of {@link #acquire}. */
  private long at;

  /** What is added to that clock to make one that never goes back. */
  private long offset;

  private long resetMicros;

  LocalBucket(Limit limit, long now) {
    this.limit = limit;
    this.at = now;
    BucketConfiguration configuration =
        BucketConfiguration.builder()
            .addLimit(
                Bandwidth.builder()
                    .capacity(limit.burst())
                    .refillGreedy(limit.capacity(), Duration.ofNanos(Limits.periodMicros(limit)))
                    .build())
            .build();
    this.state = BucketState.createInitialState(configuration, MathType.INTEGER_64_BITS, now);
  }

  Outcome acquire(long cost, long now) {
    boolean rebased = now < at;
    if (rebased) {
      offset += at - now;
    }
    BucketState next = state.copy();
    next.refillAllBandwidth(now + offset);
    boolean allowed = cost <= next.getAvailableTokens();
    if (allowed) {
      next.consume(cost);
    }
    if (allowed || rebased) {
      // A denial leaves the state as it was, as it does in the stores.
      state = next;
      at = now;
    }
    Outcome outcome =
        Outcome.of(limit, allowed, cost, next.getAvailableTokens(), next.getRoundingError(0));
    resetMicros = outcome.resetMicros();
    return outcome;
  }

  /** Returns how long until this bucket says no more than a new one would. */
  Duration timeToFull() {
    return Duration.ofNanos(Math.multiplyExact(resetMicros, 1_000L));
  }
}
