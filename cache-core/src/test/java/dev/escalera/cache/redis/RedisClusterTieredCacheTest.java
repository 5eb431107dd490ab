package dev.escalera.cache.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.cache.Await;
import dev.escalera.cache.BulkContract;
import dev.escalera.cache.EntryOptions;
import dev.escalera.cache.Freshness;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.LoadsContract;
import dev.escalera.cache.RemoteCacheContract;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import dev.escalera.cache.internal.Address;
import dev.escalera.testkit.RedisCluster;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SetArgs;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import io.lettuce.core.codec.ByteArrayCodec;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class RedisClusterTieredCacheTest extends RemoteCacheContract {
  private static RedisCluster cluster;
  private static RedisClusterClient client;

  @BeforeAll
  static void start() {
    cluster = RedisCluster.start();
    client = client();
  }

  private static RedisClusterClient client() {
    return RedisClusterClient.create(cluster.uris().stream().map(RedisURI::create).toList());
  }

  @AfterAll
  static void stop() throws Exception {
    try {
      client.shutdownAsync().get(10, TimeUnit.SECONDS);
    } finally {
      cluster.close();
    }
  }

  @Override
  protected <V> TieredCache<String, V> create(String name, Duration ttl, ValueCodec<V> codec) {
    return builder(name, ttl, codec).build();
  }

  private static <V> RedisTieredCache.Builder<String, V> builder(
      String name, Duration ttl, ValueCodec<V> codec) {
    return RedisTieredCache.builder(client, name, ttl, KeyCodec.string(), codec)
        .ttlJitter(0)
        .remoteBudget(Duration.ofSeconds(20));
  }

  @Override
  protected void plant(String key, byte[] envelope) {
    try (StatefulRedisClusterConnection<byte[], byte[]> redis =
        client.connect(ByteArrayCodec.INSTANCE)) {
      byte[] place = valueKey(key).getBytes(StandardCharsets.UTF_8);
      redis.sync().set(place, envelope, SetArgs.Builder.px(60_000));
    }
  }

  private static String tag(String key) {
    Servers servers = new ClusterServers(client);
    Address address = Address.<String>encoded(KeyCodec.string()).of(key);
    String tag = servers.tag(RedisStore.stripe(address, servers.stripes()));
    servers.close();
    return tag;
  }

  private String valueKey(String key) {
    return "escalera:cache:" + name + ":" + tag(key) + "{" + key + "}";
  }

  @Test
  void keys_can_be_read_and_are_spread_over_all_servers() {
    TieredCache<String, String> cache = open();
    Map<String, String> loaded =
        cache.getAll(
            IntStream.range(0, 300).mapToObj(i -> "k" + i).toList(),
            keys -> keys.stream().collect(java.util.stream.Collectors.toMap(k -> k, k -> "v")));
    assertThat(loaded).hasSize(300);
    try (StatefulRedisClusterConnection<String, String> redis = client.connect()) {
      assertThat(redis.sync().get(valueKey("k7"))).isNotNull();
    }
    assertThat(cluster.primaries())
        .allSatisfy(
            server ->
                assertThat((List<?>) server.command("KEYS", "escalera:cache:" + name + ":*"))
                    .hasSizeBetween(50, 150));
    TieredCache<String, String> other = open();
    assertThat(other.getAll(loaded.keySet(), keys -> Map.of())).isEqualTo(loaded);
    assertThat(other.stats().l2Hits()).isEqualTo(300);
  }

  @Test
  void a_slot_that_moves_costs_no_staleness() {
    TieredCache<String, String> one = open();
    TieredCache<String, String> two = acknowledged();
    int slot = cluster.slotOf(valueKey("k"));
    for (int round = 0; round < 4; round++) {
      String old = "old " + round;
      one.put("k", old);
      Await.until("both have it", () -> old.equals(two.getIfPresent("k")));
      assertThat(one.getIfPresent("k")).isEqualTo(old);
      cluster.moveSlot(slot, cluster.primaries().get(round % 3));
      two.invalidate("k");
      assertThat(one.getIfPresent("k")).isNull();
      assertThat(two.getIfPresent("k")).isNull();
    }
    Await.until("L1 is in use again", () -> !one.stats().fenced() && !two.stats().fenced());
  }

  private TieredCache<String, String> acknowledged() {
    return ready(
        builder(name, MINUTE, ValueCodec.string()).freshness(Freshness.ACKNOWLEDGED).build());
  }

  @Test
  void no_node_serves_what_was_invalidated_when_the_call_returns() throws Exception {
    RedisClusterClient second = client();
    TieredCache<String, String> one = acknowledged();
    TieredCache<String, String> two =
        ready(
            RedisTieredCache.builder(second, name, MINUTE, KeyCodec.string(), ValueCodec.string())
                .remoteBudget(Duration.ofSeconds(20))
                .freshness(Freshness.ACKNOWLEDGED)
                .build());
    for (int round = 0; round < 100; round++) {
      String key = "k" + round % 10;
      String old = "old " + round;
      one.put(key, old, EntryOptions.tags("t" + round % 3));
      assertThat(two.getIfPresent(key)).isEqualTo(old);
      if (round % 2 == 0) {
        one.invalidate(key);
      } else {
        one.invalidateTag("t" + round % 3);
      }
      assertThat(two.getIfPresent(key)).as("round " + round).isNull();
      assertThat(one.getIfPresent(key)).as("round " + round).isNull();
    }
    two.close();
    second.shutdownAsync().get(10, TimeUnit.SECONDS);
  }

  @Test
  void a_server_that_dies_is_replaced_and_nothing_old_is_served() throws Exception {
    try (RedisCluster own = RedisCluster.start()) {
      RedisClusterClient fleet =
          RedisClusterClient.create(own.uris().stream().map(RedisURI::create).toList());
      TieredCache<String, String> cache =
          ready(
              RedisTieredCache.builder(fleet, name, MINUTE, KeyCodec.string(), ValueCodec.string())
                  .build());
      Await.until(
          "the put is confirmed",
          () -> {
            cache.put("k", "old");
            return cache.stats().pendingInvalidations() == 0;
          });
      own.kill(own.primaryOf(own.slotOf(valueKey("k"))));
      Await.until(
          "its replica serves",
          () -> {
            cache.invalidate("k");
            return cache.stats().pendingInvalidations() == 0 && !cache.stats().fenced();
          });
      assertThat(cache.getIfPresent("k")).isNull();
      assertThat(cache.get("k", key -> "new")).isEqualTo("new");
      cache.close();
      fleet.shutdownAsync().get(10, TimeUnit.SECONDS);
    }
  }

  @Nested
  class Loads extends LoadsContract {
    @Override
    protected TieredCache<String, String> create(String name, Duration ttl) {
      return RedisClusterTieredCacheTest.this.create(name, ttl);
    }
  }

  @Nested
  class Bulk extends BulkContract {
    @Override
    protected TieredCache<String, String> create(String name, Duration ttl) {
      return RedisClusterTieredCacheTest.this.create(name, ttl);
    }
  }
}
