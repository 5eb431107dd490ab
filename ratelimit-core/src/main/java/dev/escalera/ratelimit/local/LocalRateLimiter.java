package dev.escalera.ratelimit.local;

import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.internal.Limits;
import dev.escalera.ratelimit.internal.ProcessClock;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A rate limiter in one process: token buckets in a bounded table, by the monotonic clock.
 *
 * <p>A bucket leaves the table when it was not used for as long as an empty one takes to be full.
 * If more subjects than {@link Builder#maximumSubjects} are limited at one time, some start anew
 * with a full bucket.
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
  public static final class Builder {
    private final Limits.Builder limits = new Limits.Builder();
    private long maximumSubjects = 1_000_000;
    private String name = "LocalRateLimiter";
    private @Nullable MeterRegistry registry;
    private ProcessClock clock = ProcessClock.system();

    private Builder() {}

    /**
     * Adds a limit.
     *
     * @param limit one of a name that was not given yet
     * @return this builder
     */
    public Builder limit(Limit limit) {
      limits.add(limit);
      return this;
    }

    /**
     * Adds a limit whose figures depend on the subject, such as on a customer's plan.
     *
     * @param name the name of the limit, not given yet
     * @param plan returns the limit of a subject, of the same name; called for every decision on
     *     the thread that asks, so it has to be fast
     * @return this builder
     * @throws IllegalArgumentException if the name cannot be one of a limit
     */
    public Builder limit(String name, Function<String, Limit> plan) {
      limits.add(name, plan);
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

    /**
     * Names the limiter in its meters; {@code LocalRateLimiter} by default.
     *
     * @param name the name
     * @return this builder
     */
    public Builder name(String name) {
      this.name = Objects.requireNonNull(name, "name");
      return this;
    }

    /**
     * Publishes meters, {@code escalera.ratelimit.*}; none by default.
     *
     * @param registry where to
     * @return this builder
     */
    public Builder meters(MeterRegistry registry) {
      this.registry = Objects.requireNonNull(registry, "registry");
      return this;
    }

    Builder clock(ProcessClock clock) {
      this.clock = clock;
      return this;
    }

    /**
     * Builds the rate limiter.
     *
     * @return a rate limiter
     * @throws IllegalStateException if no limit was given, or two of one name
     */
    public RateLimiter build() {
      Limits built = limits.build();
      if (registry != null) {
        built.counters().bind(registry, name, () -> false, () -> 1);
      }
      return new LocalBuckets(built, maximumSubjects, clock);
    }
  }
}
