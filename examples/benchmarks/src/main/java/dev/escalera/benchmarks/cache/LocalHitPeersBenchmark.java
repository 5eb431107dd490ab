package dev.escalera.benchmarks.cache;

import com.alicp.jetcache.Cache;
import dev.escalera.benchmarks.cache.LocalHitBenchmark.Keys;
import dev.escalera.benchmarks.cache.LocalHitBenchmark.OurCache;
import dev.escalera.testkit.RedisServer;
import io.lettuce.core.RedisClient;
import java.util.Objects;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.redisson.Redisson;
import org.redisson.api.RLocalCachedMap;
import org.redisson.api.RedissonClient;
import org.redisson.api.options.LocalCachedMapOptions;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.Config;

/** A key that is in the first tier of caches of two tiers. */
public class LocalHitPeersBenchmark {
  /** Redisson's map with its local cache, on Caffeine. */
  @State(Scope.Benchmark)
  public static class RedissonMap {
    private final RedisServer server = RedisServer.start();
    private final RedissonClient client = client();
    private final RLocalCachedMap<String, String> map =
        client.getLocalCachedMap(
            LocalCachedMapOptions.<String, String>name("hits")
                .codec(StringCodec.INSTANCE)
                .cacheSize(10_000)
                .cacheProvider(LocalCachedMapOptions.CacheProvider.CAFFEINE));

    private RedissonClient client() {
      Config config = new Config();
      config.useSingleServer().setAddress(server.uri());
      return Redisson.create(config);
    }

    /** Puts what will be asked for. */
    @Setup
    public void fill() {
      for (String key : new Keys().all()) {
        map.fastPut(key, "value of " + key);
      }
    }

    /** Ends what was started. */
    @TearDown
    public void close() {
      client.shutdown();
      server.close();
    }
  }

  /** JetCache of two levels: Caffeine before Redis. */
  @State(Scope.Benchmark)
  public static class JetCache {
    private final RedisServer server = RedisServer.start();
    private final RedisClient client = RedisClient.create(server.uri());
    private final Cache<String, Object> cache = JetCaches.ofTwoLevels(client, "hits:");

    /** Puts what will be asked for. */
    @Setup
    public void fill() {
      for (String key : new Keys().all()) {
        cache.put(key, new Quote(key, 1));
      }
    }

    /** Ends what was started. */
    @TearDown
    public void close() {
      client.shutdown();
      server.close();
    }
  }

  /**
   * Ours.
   *
   * @param ours the cache
   * @param keys the keys
   * @return the value
   */
  @Benchmark
  public String escalera(OurCache ours, Keys keys) {
    return Objects.requireNonNull(ours.get(keys.next()));
  }

  /**
   * Redisson.
   *
   * @param redisson the map
   * @param keys the keys
   * @return the value
   */
  @Benchmark
  public String redisson(RedissonMap redisson, Keys keys) {
    return Objects.requireNonNull(redisson.map.get(keys.next()));
  }

  /**
   * JetCache.
   *
   * @param jetCache the cache
   * @param keys the keys
   * @return the value
   */
  @Benchmark
  public Object jetCache(JetCache jetCache, Keys keys) {
    return Objects.requireNonNull(jetCache.cache.get(keys.next()));
  }
}
