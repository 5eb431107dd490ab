package dev.escalera.ratelimit.local;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.internal.Limits;
import dev.escalera.ratelimit.internal.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.LongSupplier;

/**
 * A rate limiter in one process: Bucket4j's token buckets in a bounded table, by the monotonic
 * clock.
 *
 * <p>A bucket leaves the table when it is full again. If more subjects than {@link
 * Builder#maximumSubjects} are limited at one time, some start anew with a full bucket.
 */
public final class LocalRateLimiter implements RateLimiter {
  private final Limits limits;
  private final LongSupplier nanoTime;
  private final Cache<Key, LocalBucket> buckets;
  private volatile boolean closed;

  private LocalRateLimiter(Builder builder) {
    limits = new Limits(builder.limits);
    nanoTime = builder.nanoTime;
    buckets =
        Caffeine.newBuilder()
            .maximumSize(builder.maximumSubjects)
            .ticker(nanoTime::getAsLong)
            .expireAfter(Expiry.<Key, LocalBucket>writing((key, bucket) -> bucket.timeToFull()))
            .build();
  }

  /**
   * Starts a rate limiter in this process.
   *
   * @return a builder that wants at least one limit
   */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public Decision tryAcquire(String name, String subject, long cost) {
    Limit limit = limits.check(name, subject, cost);
    if (closed) {
      throw new IllegalStateException("LocalRateLimiter is closed");
    }
    long now = nanoTime.getAsLong() / 1_000;
    Outcome[] outcome = new Outcome[1];
    buckets
        .asMap()
        .compute(
            new Key(limit.name(), subject),
            (key, bucket) -> {
              LocalBucket used = bucket == null ? new LocalBucket(limit, now) : bucket;
              outcome[0] = used.acquire(cost, now);
              return used;
            });
    return outcome[0].decision(limit, DecisionSource.LOCAL);
  }

  @Override
  public CompletionStage<Decision> tryAcquireAsync(String limit, String subject, long cost) {
    return CompletableFuture.completedFuture(tryAcquire(limit, subject, cost));
  }

  @Override
  public void close() {
    closed = true;
    buckets.invalidateAll();
  }

  /** Returns how many subjects are limited at present. */
  long subjects() {
    buckets.cleanUp();
    return buckets.estimatedSize();
  }

  private record Key(String limit, String subject) {}

  /** Builds a {@link RateLimiter} in this process. Not safe for use by several threads. */
  public static final class Builder {
    private final List<Limit> limits = new ArrayList<>();
    private long maximumSubjects = 1_000_000;
    private LongSupplier nanoTime = System::nanoTime;

    private Builder() {}

    /**
     * Adds a limit.
     *
     * @param limit one of a name that was not given yet
     * @return this builder
     */
    public Builder limit(Limit limit) {
      limits.add(Objects.requireNonNull(limit, "limit"));
      return this;
    }

    /**
     * Bounds the table of buckets; 1,000,000 by default, some 200 bytes each.
     *
     * @param maximumSubjects at least 1
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder maximumSubjects(long maximumSubjects) {
      if (maximumSubjects < 1) {
        throw new IllegalArgumentException(
            "maximumSubjects is " + maximumSubjects + ", expected at least 1");
      }
      this.maximumSubjects = maximumSubjects;
      return this;
    }

    Builder nanoTime(LongSupplier nanoTime) {
      this.nanoTime = nanoTime;
      return this;
    }

    /**
     * Builds the rate limiter.
     *
     * @return a rate limiter
     * @throws IllegalStateException if no limit was given, or two of one name
     */
    public RateLimiter build() {
      return new LocalRateLimiter(this);
    }
  }
}
