package dev.escalera.sharding.redis;

import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.internal.Router;
import io.lettuce.core.RedisClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A router whose partitions are in Redis: a hash of documents and a sorted set an index for each
 * bucket, all under one hash tag. Each write of a document is one script, its indexes included.
 */
public final class RedisShardRouter {
  private RedisShardRouter() {}

  /**
   * Starts a router on Redis.
   *
   * @param client the host's client; the router opens a connection of its own on it and closes no
   *     other
   * @return a builder that wants at least one collection
   */
  public static Builder builder(RedisClient client) {
    return new Builder(client);
  }

  /** Builds a {@link ShardRouter} on Redis. Not safe for use by several threads. */
  public static final class Builder {
    private final RedisClient client;
    private final List<ShardedCollection> collections = new ArrayList<>();
    private Duration deadline = Duration.ofSeconds(5);

    private Builder(RedisClient client) {
      this.client = Objects.requireNonNull(client, "client");
    }

    /**
     * Adds a collection.
     *
     * @param collection one of a name that was not given yet
     * @return this builder
     */
    public Builder collection(ShardedCollection collection) {
      collections.add(Objects.requireNonNull(collection, "collection"));
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

    /**
     * Builds the router; waits for a connection, 2 s at most, and goes on without one.
     *
     * @return a router, to be closed
     * @throws IllegalStateException if no collection was given, or two of one name
     */
    public ShardRouter build() {
      return new Router("RedisShardRouter", collections, new RedisBuckets(client, deadline));
    }
  }
}
