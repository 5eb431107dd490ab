package dev.escalera.cache.redis;

import dev.escalera.cache.CacheOptions;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.RemoteCacheBuilder;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import dev.escalera.cache.internal.Address;
import dev.escalera.cache.internal.Platform;
import dev.escalera.cache.internal.TieredCacheEngine;
import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.RedisClient;
import io.lettuce.core.cluster.RedisClusterClient;
import java.time.Duration;
import java.util.Objects;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * A cache in front of Redis, coherent among all that use the same Redis and the same name: one call
 * of one script a read, a fill, a put and an invalidation, and one connection that listens.
 */
public final class RedisTieredCache {
  private static final Duration DEFAULT_BUDGET = Duration.ofMillis(50);
  private static final Duration DEFAULT_STALENESS = Duration.ofSeconds(1);
  private static final Platform SYSTEM = Platform.system(System::nanoTime);

  private RedisTieredCache() {}

  /**
   * Starts a cache on Redis.
   *
   * @param <K> keys
   * @param <V> values
   * @param client the host's client, standalone or Sentinel; the cache opens two connections of its
   *     own on it and closes no other
   * @param name of the cache, 1 to 100 characters; the same on all nodes
   * @param ttl how long a value lives, 1 ms to 365 days
   * @param keyCodec makes texts of keys
   * @param valueCodec makes bytes of values
   * @return a builder
   * @throws IllegalArgumentException if a value is out of range
   */
  public static <K, V> Builder<K, V> builder(
      RedisClient client,
      String name,
      Duration ttl,
      KeyCodec<K> keyCodec,
      ValueCodec<V> valueCodec) {
    Objects.requireNonNull(client, "client");
    return new Builder<>(client, () -> Servers.one(client), name, ttl, keyCodec, valueCodec);
  }

  /**
   * Starts a cache on Redis Cluster. Its keys share 16 slots, evenly spread over the cluster, since
   * whatever is to be changed in one step has to be in one; L1 is coherent while the servers of all
   * of them can be reached.
   *
   * @param <K> keys
   * @param <V> values
   * @param client the host's client; the cache opens connections of its own, one to each server
   *     that has keys and one a slot that listens, on the threads and with the options of the
   *     client, and closes no other
   * @param name of the cache, 1 to 100 characters; the same on all nodes
   * @param ttl how long a value lives, 1 ms to 365 days
   * @param keyCodec makes texts of keys
   * @param valueCodec makes bytes of values
   * @return a builder
   * @throws IllegalArgumentException if a value is out of range
   */
  public static <K, V> Builder<K, V> builder(
      RedisClusterClient client,
      String name,
      Duration ttl,
      KeyCodec<K> keyCodec,
      ValueCodec<V> valueCodec) {
    Objects.requireNonNull(client, "client");
    return new Builder<>(client, () -> new ClusterServers(client), name, ttl, keyCodec, valueCodec);
  }

  /**
   * Builds a {@link TieredCache} on Redis. Not safe for use by several threads.
   *
   * @param <K> keys
   * @param <V> values
   */
  public static final class Builder<K, V> extends RemoteCacheBuilder<K, V, Builder<K, V>> {
    private final AbstractRedisClient client;
    private final Supplier<Servers> servers;
    private final KeyCodec<K> keyCodec;
    private final ValueCodec<V> valueCodec;
    private Duration loadLease = Duration.ofSeconds(5);
    private Platform platform = SYSTEM;

    private Builder(
        AbstractRedisClient client,
        Supplier<Servers> servers,
        String name,
        Duration ttl,
        KeyCodec<K> keyCodec,
        ValueCodec<V> valueCodec) {
      super(name, ttl, DEFAULT_BUDGET, DEFAULT_STALENESS);
      this.client = client;
      this.servers = servers;
      this.keyCodec = Objects.requireNonNull(keyCodec, "keyCodec");
      this.valueCodec = Objects.requireNonNull(valueCodec, "valueCodec");
    }

    /**
     * Sets how long other nodes wait for a load whose node does not live any more, 5 s by default;
     * a load that runs keeps its lease. A node that is paused for longer has lost it, and what it
     * loaded is not stored.
     *
     * @param lease from 100 ms to 10 minutes
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder<K, V> loadLease(Duration lease) {
      this.loadLease = within("loadLease", lease, Duration.ofMillis(100), Duration.ofMinutes(10));
      return this;
    }

    /** Replaces the clock, in nanoseconds. */
    Builder<K, V> ticker(LongSupplier ticker) {
      this.platform = Platform.system(ticker);
      return this;
    }

    @Override
    protected Builder<K, V> self() {
      return this;
    }

    /**
     * Builds the cache, which connects in the background: until it listens to changes, its L1 is
     * fenced.
     *
     * @return a cache
     * @throws IllegalArgumentException if options conflict
     */
    public TieredCache<K, V> build() {
      CacheOptions<K, V> options = options();
      RedisChannels.Use channel =
          RedisChannels.use(client, servers, options.maxStaleness(), platform);
      return TieredCacheEngine.remote(
          options,
          Address.encoded(keyCodec),
          valueCodec,
          new RedisStore(options.name(), options.remoteBudget(), loadLease, channel, platform),
          platform);
    }
  }
}
