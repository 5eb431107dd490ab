package dev.escalera.benchmarks.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import dev.escalera.cache.redis.RedisTieredCache;
import dev.escalera.testkit.RedisServer;
import io.lettuce.core.RedisClient;
import java.time.Duration;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** A key that is in the first tier, asked for again and again. */
public class LocalHitBenchmark {
  private static final int KEYS = 1_024;

  /** The keys, and where each thread is among them. */
  @State(Scope.Thread)
  public static class Keys {
    private final String[] keys =
        IntStream.range(0, KEYS).mapToObj(i -> "key-" + i).toArray(String[]::new);
    private int next;

    String next() {
      return keys[next++ & (KEYS - 1)];
    }

    String[] all() {
      return keys.clone();
    }
  }

  /** Caffeine alone, as a host would configure it for the same purpose. */
  @State(Scope.Benchmark)
  public static class CaffeineCache {
    private final Cache<String, String> cache =
        Caffeine.newBuilder()
            .maximumSize(10_000)
            .expireAfterWrite(Duration.ofMinutes(5))
            .recordStats()
            .build();

    @Setup
    public void fill() {
      for (String key : new Keys().keys) {
        cache.put(key, "value of " + key);
      }
    }
  }

  /** Our cache before a Redis of its own. */
  @State(Scope.Benchmark)
  public static class OurCache {
    private final RedisServer server = RedisServer.start();
    private final RedisClient client = RedisClient.create(server.uri());
    private final TieredCache<String, String> cache =
        RedisTieredCache.builder(
                client, "hits", Duration.ofMinutes(5), KeyCodec.string(), ValueCodec.string())
            // If a lease lapses on a busy machine, a read is late and not empty.
            .remoteBudget(Duration.ofSeconds(5))
            .build();

    @Setup
    public void fill() {
      for (String key : new Keys().keys) {
        cache.put(key, "value of " + key);
      }
    }

    @Nullable String get(String key) {
      return cache.getIfPresent(key);
    }

    @TearDown
    public void close() {
      cache.close();
      client.shutdown();
      server.close();
    }
  }

  @Benchmark
  public String caffeine(CaffeineCache caffeine, Keys keys) {
    return Objects.requireNonNull(caffeine.cache.getIfPresent(keys.next()));
  }

  @Benchmark
  public String escalera(OurCache ours, Keys keys) {
    return Objects.requireNonNull(ours.cache.getIfPresent(keys.next()));
  }
}
