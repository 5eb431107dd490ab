package dev.escalera.cache.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.cache.Await;
import dev.escalera.cache.BulkContract;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.LoadsContract;
import dev.escalera.cache.ManualTicker;
import dev.escalera.cache.RemoteCacheContract;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.SetArgs;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.ByteArrayCodec;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

@WithRedis
class RedisTieredCacheTest extends RemoteCacheContract {
  private final RedisClient client;

  RedisTieredCacheTest(RedisClient client) {
    this.client = client;
  }

  @Override
  protected <V> TieredCache<String, V> create(String name, Duration ttl, ValueCodec<V> codec) {
    return builder(name, ttl, codec).build();
  }

  private <V> RedisTieredCache.Builder<String, V> builder(
      String name, Duration ttl, ValueCodec<V> codec) {
    return RedisTieredCache.builder(client, name, ttl, KeyCodec.string(), codec)
        .ttlJitter(0)
        .remoteBudget(Duration.ofSeconds(20));
  }

  @Override
  protected void plant(String key, byte[] envelope) {
    try (StatefulRedisConnection<byte[], byte[]> redis = client.connect(ByteArrayCodec.INSTANCE)) {
      redis
          .sync()
          .set(
              valueKey(key).getBytes(StandardCharsets.UTF_8), envelope, SetArgs.Builder.px(60_000));
    }
  }

  private String valueKey(String key) {
    return "escalera:cache:" + name + ":{" + key + "}";
  }

  @Test
  void keys_can_be_read_and_all_expire() {
    TieredCache<String, String> cache = open();
    cache.put("admin:7d", "v");
    cache.get("loaded", key -> "v");
    cache.invalidate("gone");
    try (StatefulRedisConnection<String, String> redis = client.connect()) {
      assertThat(redis.sync().keys("escalera:cache:" + name + ":*"))
          .containsExactlyInAnyOrder(valueKey("admin:7d"), valueKey("loaded"))
          .allSatisfy(key -> assertThat(redis.sync().pttl(key)).isBetween(1L, 60_000L));
      assertThat(redis.sync().pttl(valueKey("admin:7d"))).isBetween(1L, 60_000L);
    }
  }

  @Test
  void many_expired_values_are_loaded_by_one_call_and_serve_if_it_fails() {
    RedisTieredCache.Builder<String, String> builder =
        builder(name, Duration.ofMillis(50), ValueCodec.string()).staleIfError(MINUTE);
    TieredCache<String, String> one = ready(builder.build());
    TieredCache<String, String> two = ready(builder.build());
    List<String> keys = List.of("a", "b", "c");
    keys.forEach(key -> one.put(key, "old-" + key));
    Await.until("they have expired", () -> two.getIfPresent("c") == null);
    List<Set<String>> asked = new ArrayList<>();
    assertThat(
            two.getAll(
                keys,
                missing -> {
                  asked.add(Set.copyOf(missing));
                  throw new IllegalStateException("no database");
                }))
        .isEqualTo(Map.of("a", "old-a", "b", "old-b", "c", "old-c"));
    assertThat(asked).containsExactly(Set.copyOf(keys));
    assertThat(two.stats().staleServed()).isEqualTo(3);
  }

  @Test
  void a_hit_of_l2_is_a_get_and_a_miss_one_claim_and_one_fill() {
    TieredCache<String, String> cache = open();
    cache.get("warm", key -> "v");
    cache.put("warm", "v");
    try (StatefulRedisConnection<String, String> redis = client.connect()) {
      redis.sync().configResetstat();
      cache.get("k", key -> "v");
      cache.put("k", "v");
      cache.invalidate("k");
      assertThat(redis.sync().info("commandstats"))
          .contains("cmdstat_get:calls=")
          .doesNotContain("cmdstat_eval:");
    }
    assertThat(cache.stats().storeReads()).isEqualTo(2);
    assertThat(cache.stats().storeWrites()).as("2 claims, 2 fills, 3 changes").isEqualTo(7);
    assertThat(cache.stats().storeFailures()).isZero();
  }

  @Test
  void l1_does_not_outlive_l2() {
    ManualTicker ticker = new ManualTicker();
    TieredCache<String, String> one = open();
    TieredCache<String, String> two =
        ready(builder(name, MINUTE, ValueCodec.string()).ticker(ticker::nanos).build());
    one.put("k", "v");
    try (StatefulRedisConnection<String, String> redis = client.connect()) {
      redis.sync().pexpire(valueKey("k"), 10_000);
      assertThat(two.getIfPresent("k")).isEqualTo("v");
      redis.sync().del(valueKey("k"));
    }
    assertThat(two.getIfPresent("k")).as("from L1").isEqualTo("v");
    ticker.advance(Duration.ofSeconds(10));
    assertThat(two.getIfPresent("k")).isNull();
  }

  @Test
  void l1_may_have_a_shorter_life() {
    ManualTicker ticker = new ManualTicker();
    TieredCache<String, String> cache =
        ready(
            builder(name, MINUTE, ValueCodec.string())
                .l1Ttl(Duration.ofSeconds(5))
                .ticker(ticker::nanos)
                .build());
    cache.put("put", "v");
    cache.get("loaded", key -> "v");
    ticker.advance(Duration.ofSeconds(5));
    assertThat(cache.getIfPresent("put")).isEqualTo("v");
    assertThat(cache.getIfPresent("loaded")).isEqualTo("v");
    assertThat(cache.stats().l2Hits()).isEqualTo(2);
  }

  @Test
  void options_out_of_range_are_refused_with_their_value() {
    RedisTieredCache.Builder<String, String> builder =
        builder(name, MINUTE, ValueCodec.string()).l1Ttl(Duration.ofMinutes(2));
    assertThatThrownBy(builder::build)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("PT2M");
    assertThatThrownBy(() -> builder.remoteBudget(Duration.ZERO)).hasMessageContaining("PT0S");
    assertThatThrownBy(() -> builder.l1Ttl(Duration.ZERO)).hasMessageContaining("PT0S");
  }

  @Test
  void what_a_cache_opened_is_closed_and_nothing_else() {
    try (StatefulRedisConnection<String, String> redis = client.connect()) {
      Await.until("those of earlier tests are closed", () -> clients(redis) == 1);
      long before = clients(redis);
      TieredCache<String, String> cache = open();
      cache.put("k", "v");
      assertThat(clients(redis)).isEqualTo(before + 2);
      cache.close();
      Await.until("its connections are closed", () -> clients(redis) == before);
      assertThat(redis.sync().ping()).isEqualTo("PONG");
    }
  }

  private static long clients(StatefulRedisConnection<String, String> redis) {
    return redis.sync().clientList().lines().filter(line -> !line.isBlank()).count();
  }

  @Nested
  class Loads extends LoadsContract {
    @Override
    protected TieredCache<String, String> create(String name, Duration ttl) {
      return RedisTieredCacheTest.this.create(name, ttl);
    }
  }

  @Nested
  class Bulk extends BulkContract {
    @Override
    protected TieredCache<String, String> create(String name, Duration ttl) {
      return RedisTieredCacheTest.this.create(name, ttl);
    }
  }
}
