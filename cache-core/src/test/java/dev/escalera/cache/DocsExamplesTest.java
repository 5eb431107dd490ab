package dev.escalera.cache;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.firestore.Firestore;
import dev.escalera.cache.firestore.FirestoreTieredCache;
import dev.escalera.cache.jackson.JacksonCodec;
import dev.escalera.cache.local.LocalTieredCache;
import dev.escalera.cache.redis.RedisTieredCache;
import dev.escalera.testkit.WithFirestore;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What docs/cache.md shows. */
@WithRedis
class DocsExamplesTest {
  record Metrics(String name, long count) {}

  private final Database database = new Database();

  @Test
  void redis(RedisClient redisClient) {
    TieredCache<String, Metrics> cache =
        RedisTieredCache.builder(
                redisClient,
                "metrics",
                Duration.ofMinutes(5),
                KeyCodec.string(),
                JacksonCodec.of(Metrics.class))
            .l1MaximumSize(50_000)
            .l1Ttl(Duration.ofMinutes(1))
            .remoteBudget(Duration.ofMillis(100))
            .build();

    Metrics metrics = cache.get("admin:7d", key -> database.metrics(key));

    database.update("admin:7d");
    cache.invalidate("admin:7d");
    cache.close();
    assertThat(metrics).isEqualTo(new Metrics("admin:7d", 7));
  }

  @Test
  void local() {
    TieredCache<String, Metrics> cache =
        LocalTieredCache.<String, Metrics>builder("metrics", Duration.ofMinutes(5)).build();

    CompletionStage<Metrics> metrics =
        cache.getAsync("admin:7d", key -> database.metricsAsync(key));
    assertThat(metrics.toCompletableFuture().join()).isEqualTo(new Metrics("admin:7d", 7));
    cache.close();
  }

  @Test
  void tags_and_many_keys() {
    TieredCache<String, Metrics> cache =
        LocalTieredCache.<String, Metrics>builder("tags", Duration.ofMinutes(5)).build();

    cache.put("admin:7d", database.metrics("admin:7d"), EntryOptions.tags("user-7"));
    cache.invalidateTag("user-7");
    Map<String, Metrics> all = cache.getAll(List.of("a", "b"), keys -> database.all(keys));
    cache.maintenance().warm(List.of("a", "b"), keys -> database.all(keys), 1_000, done -> {});
    assertThat(all).containsOnlyKeys("a", "b");
    cache.close();
  }

  @WithFirestore
  @Nested
  class OnFirestore {
    @Test
    void firestore(Firestore firestore) {
      TieredCache<String, String> cache =
          FirestoreTieredCache.builder(
                  firestore, "reports", Duration.ofHours(1), KeyCodec.string(), ValueCodec.string())
              .build();

      cache.get("weekly", key -> "report");
      cache.close();
      assertThat(cache.stats().loads()).isEqualTo(1);
    }
  }

  private static final class Database {
    Metrics metrics(String key) {
      return new Metrics(key, 7);
    }

    Map<String, Metrics> all(Set<String> keys) {
      return keys.stream().collect(Collectors.toMap(key -> key, this::metrics));
    }

    CompletionStage<Metrics> metricsAsync(String key) {
      return CompletableFuture.completedFuture(metrics(key));
    }

    void update(String key) {
      assertThat(key).isNotEmpty();
    }
  }
}
