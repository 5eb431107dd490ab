package dev.escalera.ratelimit.redis;

import dev.escalera.ratelimit.FailurePolicy;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.internal.Limits;
import dev.escalera.ratelimit.internal.ProcessClock;
import dev.escalera.ratelimit.internal.RemoteRateLimiter;
import dev.escalera.ratelimit.redis.RedisCalls.Connection;
import dev.escalera.ratelimit.redis.RedisCalls.Connector;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import io.lettuce.core.codec.ByteArrayCodec;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A rate limiter whose buckets are in Redis, shared by all that use the same Redis and the same
 * names: one call of one script a decision at most, by the clock of Redis. Concurrent decisions on
 * one bucket share a call; a bucket that denied is not asked again before it can admit.
 */
public final class RedisRateLimiter {
  private RedisRateLimiter() {}

  /**
   * Starts a rate limiter on Redis, be it one server or a primary that Sentinel names.
   *
   * @param client the host's client; the limiter opens a connection of its own on it and closes no
   *     other
   * @return a builder that wants at least one limit
   */
  public static Builder builder(RedisClient client) {
    Objects.requireNonNull(client, "client");
    return new Builder(
        new Connector() {
          @Override
          public Connection connect() {
            StatefulRedisConnection<byte[], byte[]> connection =
                client.connect(ByteArrayCodec.INSTANCE);
            return new Connection(connection, connection.async());
          }

          @Override
          public boolean isCluster() {
            return false;
          }
        });
  }

  /**
   * Starts a rate limiter on Redis Cluster. What is asked together has to be in one slot, as the
   * limits of one subject are.
   *
   * @param client the host's client; the limiter opens a connection of its own on it and closes no
   *     other
   * @return a builder that wants at least one limit
   */
  public static Builder builder(RedisClusterClient client) {
    Objects.requireNonNull(client, "client");
    return new Builder(
        new Connector() {
          @Override
          public Connection connect() {
            StatefulRedisClusterConnection<byte[], byte[]> connection =
                client.connect(ByteArrayCodec.INSTANCE);
            return new Connection(connection, connection.async());
          }

          @Override
          public boolean isCluster() {
            return true;
          }
        });
  }

  /** Builds a {@link RateLimiter} on Redis. Not safe for use by several threads. */
  public static final class Builder {
    private final Connector connector;
    private final Limits.Builder limits = new Limits.Builder();
    private String name = "RedisRateLimiter";
    private FailurePolicy policy = FailurePolicy.FAIL_OPEN;
    private Duration deadline = Duration.ofMillis(50);
    private Duration denyCacheMax = Duration.ofSeconds(1);
    private @Nullable MeterRegistry registry;
    private Supplier<OptionalLong> clock = OptionalLong::empty;
    private ProcessClock processClock = ProcessClock.system();

    private Builder(Connector connector) {
      this.connector = connector;
    }

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
      this.deadline = checked("deadline", deadline, Duration.ofMillis(1), Duration.ofMinutes(1));
      return this;
    }

    /**
     * Sets how long a denial answers further requests in this process at most, and so how late a
     * change made on another node may be noticed; 1 s by default.
     *
     * @param denyCacheMax from 0, which asks Redis every time, to 1 minute
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder denyCacheMax(Duration denyCacheMax) {
      this.denyCacheMax =
          checked("denyCacheMax", denyCacheMax, Duration.ZERO, Duration.ofMinutes(1));
      return this;
    }

    /**
     * Names the limiter in the log and in its meters; {@code RedisRateLimiter} by default.
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

    /** Replaces the clock of Redis, in microseconds. */
    Builder clock(Supplier<OptionalLong> clock) {
      this.clock = clock;
      return this;
    }

    /** Replaces the clock of this process. */
    Builder processClock(ProcessClock processClock) {
      this.processClock = processClock;
      return this;
    }

    /**
     * Builds the rate limiter; waits for a connection, 2 s at most, and goes on without one.
     *
     * @return a rate limiter
     * @throws IllegalStateException if no limit was given, or two of one name
     */
    public RateLimiter build() {
      Limits built = limits.build();
      RedisBuckets store =
          new RedisBuckets(
              new RedisCalls(connector, name),
              connector.isCluster(),
              clock,
              policy == FailurePolicy.LOCAL_FALLBACK);
      if (registry != null) {
        built.counters().bind(registry, name, () -> !store.isAvailable(), store::nodes);
      }
      return new RemoteRateLimiter(
          new RemoteRateLimiter.Options(name, deadline, denyCacheMax, policy),
          built,
          store,
          processClock);
    }

    private static Duration checked(String what, Duration value, Duration least, Duration most) {
      if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
        throw new IllegalArgumentException(
            what + " is " + value + ", expected " + least + " to " + most);
      }
      return value;
    }
  }
}
