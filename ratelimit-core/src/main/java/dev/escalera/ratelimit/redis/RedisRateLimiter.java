package dev.escalera.ratelimit.redis;

import dev.escalera.ratelimit.FailurePolicy;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.RateLimiterOptions;
import dev.escalera.ratelimit.RemoteRateLimiterBuilder;
import dev.escalera.ratelimit.internal.LeaseBook;
import dev.escalera.ratelimit.internal.Leases;
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
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.function.Supplier;

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
  public static final class Builder extends RemoteRateLimiterBuilder<Builder> {
    private static final Duration DEADLINE = Duration.ofMillis(50);

    private final Connector connector;
    private final Map<String, Leases.Terms> leases = new HashMap<>();
    private Supplier<OptionalLong> clock = OptionalLong::empty;
    private ProcessClock processClock = ProcessClock.system();

    private Builder(Connector connector) {
      super("RedisRateLimiter", DEADLINE);
      this.connector = connector;
    }

    /**
     * Leases tokens of a limit to the nodes that ask for it often, which then decide in process:
     * for a bucket that a whole fleet uses all the time, and for limits that are taken together
     * with others across the slots of a cluster. The bound is the same; a node may be denied what
     * another holds and does not use. All nodes should agree on it.
     *
     * @param limit the name of the limit
     * @param lease for how long a node may spend what it holds, from 100 ms to 1 minute; 1 s is
     *     good
     * @return this builder
     * @throws IllegalArgumentException if the time is out of range
     */
    public Builder lease(String limit, Duration lease) {
      leases.put(
          Objects.requireNonNull(limit, "limit"),
          Leases.Terms.of(within("lease", lease, Duration.ofMillis(100), Duration.ofMinutes(1))));
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
     * @throws IllegalStateException if no limit was given, or two of one name, or a lease for none
     */
    @Override
    public RateLimiter build() {
      RateLimiterOptions options = options();
      Limits limits = new Limits(options);
      leases.keySet().forEach(limits::require);
      boolean countNodes = options.policy() == FailurePolicy.LOCAL_FALLBACK;
      RedisCalls calls = new RedisCalls(connector, options.name());
      RedisBuckets store =
          new RedisBuckets(
              calls,
              connector.isCluster(),
              new Asks(calls, !connector.isCluster(), clock, limits.counters()),
              new NodeCount(calls, countNodes),
              new LeaseBook(limits.counters(), processClock),
              Map.copyOf(leases),
              options.deadline(),
              processClock);
      return new RemoteRateLimiter(options, store, limits, processClock);
    }

    @Override
    protected Builder self() {
      return this;
    }
  }
}
