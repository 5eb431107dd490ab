package dev.escalera.sharding.redis;

import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardRouterBuilder;
import dev.escalera.sharding.internal.Router;
import dev.escalera.sharding.internal.Settings;
import dev.escalera.sharding.internal.Targets;
import io.lettuce.core.RedisClient;
import io.lettuce.core.cluster.RedisClusterClient;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * A router whose partitions are in Redis: a hash of documents and a sorted set an index for each
 * bucket, all under one hash tag. Each write of a document is one script, its indexes included.
 */
public final class RedisShardRouter {
  private static final String NAME = "RedisShardRouter";

  private RedisShardRouter() {}

  /**
   * Starts a router on Redis.
   *
   * @param client the host's client; the router opens a connection of its own on it and closes no
   *     other
   * @return a builder that wants at least one collection
   */
  public static Builder builder(RedisClient client) {
    Objects.requireNonNull(client, "client");
    return new Builder(timeout -> Route.to(link(client, timeout)));
  }

  /**
   * Starts a router on a Redis Cluster.
   *
   * @param client the host's client; the router opens a connection of its own to each primary and
   *     closes no other
   * @return a builder that wants at least one collection
   */
  public static Builder builder(RedisClusterClient client) {
    Objects.requireNonNull(client, "client");
    return new Builder(timeout -> cluster(client, timeout));
  }

  private static RedisLink link(RedisClient client, Duration deadline) {
    return new RedisLink(client, NAME, deadline, RedisBuckets.MAX_IN_FLIGHT);
  }

  private static Route cluster(RedisClusterClient client, Duration deadline) {
    return new ClusterRoute(client, NAME, deadline, RedisBuckets.MAX_IN_FLIGHT);
  }

  /** Builds a {@link ShardRouter} on Redis. Not safe for use by several threads. */
  public static final class Builder extends ShardRouterBuilder<Builder> {
    private final Map<String, Function<Duration, Route>> routes = new LinkedHashMap<>();
    private InstantSource clock = InstantSource.system();
    private Duration deadline = Duration.ofSeconds(5);

    private Builder(Function<Duration, Route> first) {
      routes.put(Targets.MAIN, first);
    }

    /**
     * Adds a server that may have buckets, beside the first, which is called {@code main} and has
     * the catalog. New buckets go to all targets evenly; those that exist stay where they are. All
     * processes must name the same targets.
     *
     * @param name 1 to 100 ASCII letters, digits, - and _; fixed, since the catalog names it
     * @param client the host's client of that server
     * @return this builder
     * @throws IllegalArgumentException if the name is another, or was given before
     */
    public Builder target(String name, RedisClient client) {
      Objects.requireNonNull(client, "client");
      return target(name, timeout -> Route.to(link(client, timeout)));
    }

    /**
     * Adds a cluster that may have buckets.
     *
     * @param name 1 to 100 ASCII letters, digits, - and _; fixed, since the catalog names it
     * @param client the host's client of that cluster
     * @return this builder
     * @throws IllegalArgumentException if the name is another, or was given before
     * @see #target(String, RedisClient)
     */
    public Builder target(String name, RedisClusterClient client) {
      Objects.requireNonNull(client, "client");
      return target(name, timeout -> cluster(client, timeout));
    }

    private Builder target(String name, Function<Duration, Route> route) {
      if (routes.putIfAbsent(Targets.checkName(name), route) != null) {
        throw new IllegalArgumentException("target \"" + name + "\" was given twice");
      }
      return this;
    }

    /**
     * Sets how long a call to Redis may take; 5 s by default. A page of a query may take several
     * calls.
     *
     * @param deadline from 1 ms to 10 minutes
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder deadline(Duration deadline) {
      if (deadline.compareTo(Duration.ofMillis(1)) < 0
          || deadline.compareTo(Duration.ofMinutes(10)) > 0) {
        throw new IllegalArgumentException(
            "deadline is " + deadline + ", expected 1 ms to 10 minutes");
      }
      this.deadline = deadline;
      return this;
    }

    Builder clock(InstantSource clock) {
      this.clock = clock;
      return this;
    }

    @Override
    public ShardRouter build() {
      Map<String, RedisBuckets> stores = new LinkedHashMap<>();
      List<Route> opened = new ArrayList<>();
      routes.forEach(
          (name, route) -> {
            opened.add(route.apply(deadline));
            stores.put(name, new RedisBuckets(opened.get(opened.size() - 1)));
          });
      return new Router(
          settings(), collections(), new Targets(new RedisCatalog(opened.get(0)), stores));
    }

    @Override
    protected Builder self() {
      return this;
    }

    private Settings settings() {
      return new Settings(NAME, clock, cursorLife(), meterRegistry());
    }
  }
}
