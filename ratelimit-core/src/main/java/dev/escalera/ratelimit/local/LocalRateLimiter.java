package dev.escalera.ratelimit.local;

import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.RateLimiterBuilder;
import dev.escalera.ratelimit.RateLimiterOptions;
import dev.escalera.ratelimit.internal.Limits;
import dev.escalera.ratelimit.internal.ProcessClock;

/**
 * A rate limiter in one process: token buckets in a bounded table, by the monotonic clock.
 *
 * <p>A bucket that is full again leaves the table at a later decision on its limit. If more
 * subjects than {@link Builder#maximumSubjects} of one limit are limited at one time, some of those
 * whose buckets would soon be full start anew with a full one.
 */
public final class LocalRateLimiter {
  private LocalRateLimiter() {}

  /**
   * Starts a rate limiter in this process.
   *
   * @return a builder that wants at least one limit
   */
  public static Builder builder() {
    return new Builder();
  }

  /** Builds a {@link RateLimiter} in this process. Not safe for use by several threads. */
  public static final class Builder extends RateLimiterBuilder<Builder> {
    private long maximumSubjects = 1_000_000;
    private ProcessClock clock = ProcessClock.system();

    private Builder() {
      super("LocalRateLimiter");
    }

    /**
     * Bounds the table of buckets of each limit; 1,000,000 by default, some 150 bytes each.
     *
     * @param maximumSubjects of one limit, at least 1
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

    Builder clock(ProcessClock clock) {
      this.clock = clock;
      return this;
    }

    @Override
    public RateLimiter build() {
      RateLimiterOptions options = options();
      Limits limits = new Limits(options);
      limits.counters().bind(options, () -> false, () -> 1);
      return new LocalBuckets(limits, maximumSubjects, clock);
    }

    @Override
    protected Builder self() {
      return this;
    }
  }
}
