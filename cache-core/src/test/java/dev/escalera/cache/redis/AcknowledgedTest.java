package dev.escalera.cache.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.cache.AcknowledgedContract;
import dev.escalera.cache.Await;
import dev.escalera.cache.Freshness;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.KillArgs;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

@WithRedis
class AcknowledgedTest extends AcknowledgedContract {
  private static final Duration LEASE = Duration.ofSeconds(1);

  private final RedisServer server;
  private final String name = "cache-" + UUID.randomUUID();
  private final List<TieredCache<?, ?>> caches = new ArrayList<>();
  private final List<RedisClient> clients = new ArrayList<>();

  AcknowledgedTest(RedisServer server) {
    this.server = server;
  }

  @Override
  protected TieredCache<String, String> node(String... tags) {
    RedisClient client = RedisClient.create(server.uri());
    clients.add(client);
    TieredCache<String, String> cache =
        RedisTieredCache.builder(
                client, name, Duration.ofMinutes(1), KeyCodec.string(), ValueCodec.string())
            .maxStaleness(LEASE)
            .remoteBudget(Duration.ofSeconds(20))
            .freshness(Freshness.ACKNOWLEDGED)
            .tagsOf((key, value) -> Set.of(tags))
            .build();
    caches.add(cache);
    Await.until("the cache listens", () -> !cache.stats().fenced());
    return cache;
  }

  @Override
  protected int rounds() {
    return 100;
  }

  @AfterEach
  void close_all() {
    caches.forEach(TieredCache::close);
    clients.forEach(RedisClient::shutdown);
  }

  @Test
  void a_node_that_is_cut_off_is_waited_for_until_its_lease_has_run_out_and_then_struck_off() {
    TieredCache<String, String> one = node();
    TieredCache<String, String> two = node();
    Await.until("the registry is known for a lease", () -> quick(one));
    two.get("k", key -> "old");
    // Gone without a word: it stays in the registry.
    clients.get(1).shutdown();
    long began = System.nanoTime();
    one.invalidate("k");
    assertThat(System.nanoTime() - began).isGreaterThanOrEqualTo(LEASE.toNanos());
    Await.until("it is struck off, and not waited for again", () -> quick(one));
  }

  private static boolean quick(TieredCache<String, String> cache) {
    long began = System.nanoTime();
    cache.invalidate("other");
    return System.nanoTime() - began < LEASE.toNanos() / 2;
  }

  @Test
  void a_registry_that_was_lost_makes_callers_wait_for_a_lease() {
    TieredCache<String, String> one = node();
    node();
    Await.until("the registry is known for a lease", () -> quick(one));
    try (StatefulRedisConnection<String, String> redis = clients.get(0).connect()) {
      redis.sync().flushall();
      long began = System.nanoTime();
      one.invalidate("k");
      assertThat(System.nanoTime() - began).isGreaterThanOrEqualTo(LEASE.toNanos());
      Await.until("the registry is known for a lease", () -> quick(one));
      redis.sync().clientKill(KillArgs.Builder.typePubsub());
      Await.until("L1 is in use again", () -> !one.stats().fenced());
    }
  }
}
