package dev.escalera.cache.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.cache.Await;
import dev.escalera.cache.EntryOptions;
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
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Changes that return when no node serves what was before: each node has a client of its own. */
@WithRedis
class AcknowledgedTest {
  private static final Duration LEASE = Duration.ofSeconds(1);

  private final RedisServer server;
  private final String name = "cache-" + UUID.randomUUID();
  private final List<TieredCache<?, ?>> caches = new ArrayList<>();
  private final List<RedisClient> clients = new ArrayList<>();

  AcknowledgedTest(RedisServer server) {
    this.server = server;
  }

  private TieredCache<String, String> node(
      UnaryOperator<RedisTieredCache.Builder<String, String>> options) {
    RedisClient client = RedisClient.create(server.uri());
    clients.add(client);
    TieredCache<String, String> cache =
        options
            .apply(
                RedisTieredCache.builder(
                        client, name, Duration.ofMinutes(1), KeyCodec.string(), ValueCodec.string())
                    .maxStaleness(LEASE)
                    .remoteBudget(Duration.ofSeconds(20))
                    .freshness(Freshness.ACKNOWLEDGED))
            .build();
    caches.add(cache);
    Await.until("the cache listens", () -> !cache.stats().fenced());
    return cache;
  }

  @AfterEach
  void close_all() {
    caches.forEach(TieredCache::close);
    clients.forEach(RedisClient::shutdown);
  }

  @Test
  void no_node_serves_what_was_invalidated_when_the_call_returns() {
    List<TieredCache<String, String>> nodes = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      nodes.add(node(builder -> builder));
    }
    for (int round = 0; round < 200; round++) {
      String old = "old " + round;
      String fresh = "new " + round;
      nodes.forEach(node -> assertThat(node.get("k", key -> old)).isEqualTo(old));
      nodes.get(round % 4).invalidate("k");
      for (TieredCache<String, String> node : nodes) {
        assertThat(node.get("k", key -> fresh)).isEqualTo(fresh);
      }
      nodes.get((round + 1) % 4).put("k", "put " + round);
      for (TieredCache<String, String> node : nodes) {
        assertThat(node.getIfPresent("k")).isEqualTo("put " + round);
      }
      nodes.get(0).invalidate("k");
    }
    assertThat(nodes.get(3).stats().l1Hits()).as("L1 took part").isPositive();
  }

  @Test
  void a_tag_is_dropped_everywhere_when_the_call_returns() {
    TieredCache<String, String> one = node(builder -> builder);
    TieredCache<String, String> two = node(builder -> builder);
    for (int round = 0; round < 50; round++) {
      one.put("a", "1", EntryOptions.tags("t", "u"));
      one.put("b", "2", EntryOptions.tags("t"));
      one.put("c", "3", EntryOptions.tags("u"));
      for (TieredCache<String, String> node : List.of(one, two)) {
        assertThat(node.getIfPresent("a")).isEqualTo("1");
        assertThat(node.getIfPresent("b")).isEqualTo("2");
        assertThat(node.getIfPresent("c")).isEqualTo("3");
      }
      two.invalidateTag("t");
      for (TieredCache<String, String> node : List.of(one, two)) {
        assertThat(node.getIfPresent("a")).isNull();
        assertThat(node.getIfPresent("b")).isNull();
        assertThat(node.getIfPresent("c")).isEqualTo("3");
      }
    }
  }

  @Test
  void a_load_whose_tag_is_dropped_meanwhile_is_not_cached() {
    TieredCache<String, String> one =
        node(builder -> builder.tagsOf((key, value) -> java.util.Set.of("t")));
    TieredCache<String, String> two = node(builder -> builder);
    String loaded =
        one.get(
            "k",
            key -> {
              two.invalidateTag("t");
              return "old";
            });
    assertThat(loaded).isEqualTo("old");
    assertThat(one.getIfPresent("k")).isNull();
    assertThat(two.getIfPresent("k")).isNull();
    assertThat(one.get("k", key -> "new")).isEqualTo("new");
    assertThat(two.getIfPresent("k")).isEqualTo("new");
  }

  @Test
  void a_node_that_is_cut_off_is_waited_for_until_its_lease_has_run_out_and_then_struck_off() {
    TieredCache<String, String> one = node(builder -> builder);
    TieredCache<String, String> two = node(builder -> builder);
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
    TieredCache<String, String> one = node(builder -> builder);
    node(builder -> builder);
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
