package dev.escalera.cache.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.cache.Await;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.OnRemoteLoss;
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
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@WithRedis
class RedisTieredCacheFaultTest {
  private final RedisServer server;
  private final RedisClient client;
  private final String name = "cache-" + UUID.randomUUID();
  private final List<TieredCache<?, ?>> opened = new ArrayList<>();

  RedisTieredCacheFaultTest(RedisServer server, RedisClient client) {
    this.server = server;
    this.client = client;
  }

  private TieredCache<String, String> open(Duration budget) {
    return open(budget, OnRemoteLoss.SERVE_LOCAL);
  }

  private TieredCache<String, String> open(Duration budget, OnRemoteLoss loss) {
    TieredCache<String, String> cache =
        RedisTieredCache.builder(
                client, name, Duration.ofMinutes(1), KeyCodec.string(), ValueCodec.string())
            .remoteBudget(budget)
            .onRemoteLoss(loss)
            .build();
    opened.add(cache);
    awaitListening(cache);
    return cache;
  }

  private static void awaitListening(TieredCache<String, String> cache) {
    Await.until("the cache listens", () -> !cache.stats().fenced());
  }

  /** The breaker may be open for a while: waits until L2 answers. */
  private static void put(TieredCache<String, String> cache, String key, String value) {
    Await.until(
        "the put is confirmed",
        () -> {
          // A pending invalidation that is on its way would drop what is put now.
          if (cache.stats().pendingInvalidations() > 0) {
            return false;
          }
          cache.put(key, value);
          return cache.stats().pendingInvalidations() == 0 && value.equals(cache.getIfPresent(key));
        });
  }

  /** The message of the put may come after the value has been read, and drop it from L1 again. */
  private static void awaitInL1(TieredCache<String, String> cache, String key, String value) {
    Await.until(
        "L1 serves the value",
        () -> {
          long hits = cache.stats().l1Hits();
          return value.equals(cache.getIfPresent(key)) && cache.stats().l1Hits() > hits;
        });
  }

  @AfterEach
  void close_all() {
    opened.forEach(TieredCache::close);
    if (!server.isAlive()) {
      server.restart();
    }
  }

  @Test
  void a_frozen_redis_costs_a_read_its_budget_and_then_nothing() {
    TieredCache<String, String> cache = open(Duration.ofMillis(200));
    TieredCache<String, String> other = open(Duration.ofSeconds(20));
    put(cache, "before", "v");
    server.pause();
    try {
      long began = System.nanoTime();
      assertThat(cache.get("cold", key -> "loaded")).isEqualTo("loaded");
      // One budget for the read and the fill; far below any default of the driver.
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(5));
      assertThat(cache.stats().budgetExceeded()).isPositive();

      int calls = 0;
      while (cache.stats().l2Available()) {
        assertThat(calls++).isLessThan(100);
        assertThat(cache.get("cold" + calls, key -> "loaded")).isEqualTo("loaded");
      }
      cache.put("before", "new");
      assertThat(cache.stats().pendingInvalidations()).isEqualTo(1);
      assertThat(cache.getIfPresent("before")).as("took effect here").isEqualTo("new");
      cache.invalidate("before");
      assertThat(cache.get("before", key -> "loaded")).as("took effect here").isEqualTo("loaded");
      Await.until("the silence is noticed", () -> cache.stats().fenced());
    } finally {
      server.resume();
    }
    awaitListening(cache);
    awaitListening(other);
    put(cache, "before", "after");
    Await.until("the nodes agree", () -> "after".equals(other.getIfPresent("before")));
    assertThat(cache.getIfPresent("before")).isEqualTo("after");
  }

  @ParameterizedTest
  @EnumSource(OnRemoteLoss.class)
  void many_keys_that_a_frozen_redis_does_not_answer_are_loaded_by_one_call(OnRemoteLoss loss) {
    TieredCache<String, String> cache = open(Duration.ofMillis(200), loss);
    put(cache, "before", "v");
    List<Set<String>> asked = new ArrayList<>();
    Function<Set<String>, Map<String, String>> loader =
        keys -> {
          asked.add(Set.copyOf(keys));
          return keys.stream().collect(Collectors.toMap(key -> key, key -> "loaded"));
        };
    server.pause();
    try {
      for (int i = 0; cache.stats().l2Available(); i++) {
        assertThat(i).as("calls until the breaker opens").isLessThan(100);
        assertOneCall(cache, loader, asked, "late" + i);
      }
      assertOneCall(cache, loader, asked, "open");
    } finally {
      server.resume();
    }
    awaitListening(cache);
    put(cache, "before", "after");
  }

  private static void assertOneCall(
      TieredCache<String, String> cache,
      Function<Set<String>, Map<String, String>> loader,
      List<Set<String>> asked,
      String prefix) {
    List<String> keys = IntStream.range(0, 100).mapToObj(i -> prefix + "-" + i).toList();
    asked.clear();
    assertThat(cache.getAll(keys, loader)).hasSize(100);
    assertThat(asked).containsExactly(Set.copyOf(keys));
  }

  @Test
  void a_full_redis_takes_an_invalidation_all_the_same() {
    TieredCache<String, String> one = open(Duration.ofSeconds(20));
    TieredCache<String, String> two = open(Duration.ofSeconds(20));
    put(one, "k", "old");
    assertThat(two.getIfPresent("k")).isEqualTo("old");
    try (StatefulRedisConnection<String, String> redis = client.connect()) {
      redis.sync().configSet("maxmemory", "1");
      try {
        one.invalidate("k");
        assertThat(one.getIfPresent("k")).isNull();
        Await.until("the other node knows", () -> two.getIfPresent("k") == null);
      } finally {
        redis.sync().configSet("maxmemory", "0");
      }
    }
  }

  @Test
  void an_invalidation_while_a_node_does_not_listen_is_not_missed() {
    TieredCache<String, String> one = open(Duration.ofSeconds(20));
    TieredCache<String, String> two = open(Duration.ofSeconds(20));
    try (StatefulRedisConnection<String, String> redis = client.connect()) {
      for (int i = 0; i < 20; i++) {
        String key = "k" + i;
        put(one, key, "old");
        assertThat(two.getIfPresent(key)).isEqualTo("old");
        redis.sync().clientKill(KillArgs.Builder.typePubsub());
        one.invalidate(key);
        Await.until("the invalidation is seen", () -> two.getIfPresent(key) == null);
      }
    }
    awaitListening(two);
    put(two, "k", "v");
    assertThat(two.getIfPresent("k")).isEqualTo("v");
  }

  @Test
  void a_message_that_is_not_understood_fences() {
    TieredCache<String, String> cache = open(Duration.ofSeconds(20));
    put(cache, "k", "v");
    awaitInL1(cache, "k", "v");
    try (StatefulRedisConnection<String, String> redis = client.connect()) {
      for (String message : List.of("", "2 x", "1 zzzzzzzzzzzzzzzz 0000000000000000")) {
        Duration before = cache.stats().fencedTime();
        redis
            .sync()
            .publish("escalera:cache:" + redis.sync().hget(RedisWire.REGISTRY, "i"), message);
        Await.until(
            "L1 is given up",
            () -> {
              assertThat(cache.getIfPresent("k")).isEqualTo("v");
              return cache.stats().fencedTime().compareTo(before) > 0;
            });
        awaitListening(cache);
      }
    }
  }

  @Test
  void a_flush_loses_values_and_refuses_the_fills_that_run() {
    TieredCache<String, String> one = open(Duration.ofSeconds(20));
    TieredCache<String, String> two = open(Duration.ofSeconds(20));
    try (StatefulRedisConnection<String, String> redis = client.connect()) {
      String loaded =
          one.get(
              "k",
              key -> {
                redis.sync().flushall();
                two.invalidate(key);
                redis.sync().flushall();
                return "old";
              });
      assertThat(loaded).isEqualTo("old");
      assertThat(one.stats().fillsRefused()).isEqualTo(1);
      assertThat(two.getIfPresent("k")).isNull();
      Await.until("it is nowhere", () -> one.getIfPresent("k") == null);
    }
  }

  @Test
  void scripts_that_are_flushed_are_no_fault() {
    TieredCache<String, String> cache = open(Duration.ofSeconds(20));
    try (StatefulRedisConnection<String, String> redis = client.connect()) {
      for (int i = 0; i < 20; i++) {
        redis.sync().scriptFlush();
        cache.put("k", "v" + i);
        redis.sync().scriptFlush();
        cache.invalidate("k");
        redis.sync().scriptFlush();
        assertThat(cache.get("k", key -> "loaded")).isEqualTo("loaded");
      }
    }
    assertThat(cache.stats().storeFailures()).isZero();
  }

  @Test
  void a_restarted_redis_is_used_again_and_nothing_old_is_served() {
    TieredCache<String, String> one = open(Duration.ofSeconds(1));
    TieredCache<String, String> two = open(Duration.ofSeconds(1));
    put(one, "k", "old");
    awaitInL1(two, "k", "old");
    server.kill();
    Await.until("L1 is fenced", () -> two.stats().fenced());
    assertThat(two.get("k", key -> "loaded")).as("L1 goes on alone").isEqualTo("old");
    assertThat(two.stats().outageHits()).isEqualTo(1);
    one.invalidate("k");
    assertThat(one.get("k", key -> "loaded")).as("took effect here").isEqualTo("loaded");
    assertThat(one.stats().pendingInvalidations()).isEqualTo(1);
    server.restart();
    awaitListening(one);
    awaitListening(two);
    put(one, "k", "new");
    Await.until(
        "the nodes agree",
        () -> {
          String seen = two.getIfPresent("k");
          assertThat(seen).isNotIn("old", "loaded");
          return "new".equals(seen);
        });
  }
}
