package dev.escalera.examples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import dev.escalera.cache.redis.RedisTieredCache;
import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.redis.RedisRateLimiter;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The quickstart of README.md, line for line. */
@WithRedis
class ReadmeTest {
  private static final class Database {
    private final Map<String, String> names = new ConcurrentHashMap<>(Map.of("user-7", "Augusta"));

    String load(String id) {
      return names.getOrDefault(id, "nobody");
    }

    void rename(String id, String name) {
      names.put(id, name);
    }
  }

  private static final class Response {
    private final List<@Nullable String> sent = new ArrayList<>();

    void send(@Nullable String text) {
      sent.add(text);
    }
  }

  @Test
  void the_quickstart_does_what_it_says(RedisServer server) {
    String uri = server.uri();
    Database database = new Database();
    Response response = new Response();

    RedisClient redis = RedisClient.create(uri);
    Limit limit = Limit.of("profile", 10, Duration.ofMinutes(1));
    RateLimiter limiter = RedisRateLimiter.builder(redis).limit(limit).build();
    TieredCache<String, String> cache =
        RedisTieredCache.builder(
                redis, "profiles", Duration.ofMinutes(5), KeyCodec.string(), ValueCodec.string())
            .build();

    Decision decision = limiter.tryAcquire("profile", "user-7");
    if (decision.allowed()) {
      String profile = cache.get("user-7", id -> database.load(id)); // loaded once, then cached
      response.send(profile);
    }
    database.rename("user-7", "Ada");
    cache.invalidate("user-7"); // on every node

    assertThat(response.sent).containsExactly("Augusta");
    assertThat(cache.get("user-7", database::load)).isEqualTo("Ada");
    cache.close();
    limiter.close();
    redis.shutdown();
  }
}
