package dev.escalera.ratelimit.redis;

import dev.escalera.ratelimit.FailurePolicy;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.internal.Limits;
import dev.escalera.ratelimit.internal.RemoteRateLimiter;
import io.lettuce.core.RedisClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.function.Supplier;

/**
 * A rate limiter whose buckets are in Redis, shared by all that use the same Redis and the same
 * names: one call of one script a decision, by the clock of Redis.
 */
public final class RedisRateLimiter {
  private RedisRateLimiter() {}

  /**
   * Starts a rate limiter on Redis.
   *
   * @param client the host's client; the limiter opens a connection of its own on it and closes no
   *     other
   * @return a builder that wants at least one limit
   */
  public static Builder builder(RedisClient client) {
    return new Builder(client);
  }

  /** Builds a {@link RateLimiter} on Redis. Not safe for use by several threads. */
  public static final class Builder {
    private final RedisClient client;
    private final List<Limit> limits = new ArrayList<>();
    private FailurePolicy policy = FailurePolicy.FAIL_OPEN;
    private Duration deadline = Duration.ofMillis(50);
    private Supplier<OptionalLong> clock = OptionalLong::empty;

    private Builder(RedisClient client) {
      this.client = Objects.requireNonNull(client, "client");
    }

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
     * Sets what decides while Redis does not; {@link FailurePolicy#FAIL_OPEN} by default.
     *
     * @param policy the policy
     * @return this builder
     */
    public Builder onBackendFailure(FailurePolicy policy) {
      this.policy = Objects.requireNonNull(policy, "policy");
      return this;
    }

    /**
     * Sets how long a decision waits for Redis before the failure policy decides; 50 ms by default.
     *
     * @param deadline from 1 ms to 1 minute
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder deadline(Duration deadline) {
      if (deadline.compareTo(Duration.ofMillis(1)) < 0
          || deadline.compareTo(Duration.ofMinutes(1)) > 0) {
        throw new IllegalArgumentException(
            "deadline is " + deadline + ", expected 1 ms to 1 minute");
      }
      this.deadline = deadline;
      return this;
    }

    /** Replaces the clock of Redis, in microseconds. */
    Builder clock(Supplier<OptionalLong> clock) {
      this.clock = clock;
      return this;
    }

    /**
     * Builds the rate limiter; waits for a connection, 2 s at most, and goes on without one.
     *
     * @return a rate limiter
     * @throws IllegalStateException if no limit was given, or two of one name
     */
    public RateLimiter build() {
      return new RemoteRateLimiter(
          "RedisRateLimiter",
          new Limits(limits),
          new RedisBuckets(client, deadline, clock),
          policy);
    }
  }
}
