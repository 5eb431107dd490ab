package dev.escalera.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What every cache with a store behind it does: two caches of a name are two nodes. */
public abstract class RemoteCacheContract extends TieredCacheContract {
  /** Makes a cache of other values, of a time to live without jitter. */
  protected abstract <V> TieredCache<String, V> create(
      String name, Duration ttl, ValueCodec<V> codec);

  /** Overwrites what the store holds of a key of the cache of this test. */
  protected abstract void plant(String key, byte[] envelope) throws Exception;

  @Override
  protected final TieredCache<String, String> create(String name, Duration ttl) {
    return create(name, ttl, ValueCodec.string());
  }

  @Override
  protected final void assertAgreed(TieredCache<String, String> cache, String key) {
    TieredCache<String, String> other = open();
    Await.until(
        "the tiers agree", () -> Objects.equals(cache.getIfPresent(key), other.getIfPresent(key)));
    other.close();
  }

  @Test
  void another_node_finds_what_was_put_or_loaded() {
    TieredCache<String, String> one = open();
    TieredCache<String, String> two = open();
    one.put("put", "a");
    one.get("loaded", key -> "b");
    assertThat(two.getIfPresent("put")).isEqualTo("a");
    assertThat(two.get("loaded", key -> "again")).isEqualTo("b");
    assertThat(two.stats().l2Hits()).isEqualTo(2);
    assertThat(two.stats().loads()).isZero();
    two.get("loaded", key -> "again");
    assertThat(two.stats().l1Hits()).isEqualTo(1);
  }

  @Test
  void an_invalidation_and_a_put_reach_the_other_node() {
    TieredCache<String, String> one = open();
    TieredCache<String, String> two = open();
    one.put("k", "old");
    assertThat(two.getIfPresent("k")).isEqualTo("old");
    one.put("k", "new");
    Await.until("the put is seen", () -> "new".equals(two.getIfPresent("k")));
    one.invalidate("k");
    Await.until("the invalidation is seen", () -> two.getIfPresent("k") == null);
    assertThat(one.getIfPresent("k")).isNull();
  }

  @Test
  void a_load_that_lost_a_race_against_another_node_is_not_cached() throws Exception {
    TieredCache<String, String> one = open();
    TieredCache<String, String> two = open();
    assertThat(raced(one, () -> two.invalidate("k"))).isEqualTo("old");
    assertThat(two.getIfPresent("k")).isNull();
    Await.until("one sees it, too", () -> one.getIfPresent("k") == null);
    assertThat(one.stats().fillsRefused()).isEqualTo(1);

    assertThat(raced(one, () -> two.put("k", "new"))).isEqualTo("old");
    Await.until("one sees it, too", () -> "new".equals(one.getIfPresent("k")));
    assertThat(two.getIfPresent("k")).isEqualTo("new");
  }

  @Test
  void nodes_that_change_a_key_at_random_agree_in_the_end() throws Exception {
    long seed = new Random().nextLong();
    TieredCache<String, String> one = open();
    TieredCache<String, String> two = open();
    for (int round = 0; round < 5; round++) {
      Random random = new Random(seed + round);
      var first = threads.submit(() -> change(one, random.nextLong()));
      var second = threads.submit(() -> change(two, random.nextLong()));
      first.get(30, TimeUnit.SECONDS);
      second.get(30, TimeUnit.SECONDS);
      TieredCache<String, String> judge = open();
      for (String key : new String[] {"a", "b"}) {
        String stored = judge.getIfPresent(key);
        Await.until(
            "the nodes agree, seed " + seed,
            () ->
                Objects.equals(stored, one.getIfPresent(key))
                    && Objects.equals(stored, two.getIfPresent(key)));
      }
      judge.close();
    }
  }

  private static void change(TieredCache<String, String> cache, long seed) {
    Random random = new Random(seed);
    for (int i = 0; i < 40; i++) {
      String key = random.nextBoolean() ? "a" : "b";
      switch (random.nextInt(4)) {
        case 0 -> attempt(() -> cache.put(key, Long.toHexString(random.nextLong())));
        case 1 -> attempt(() -> cache.invalidate(key));
        case 2 -> cache.getIfPresent(key);
        default -> cache.get(key, k -> "loaded " + random.nextInt());
      }
    }
  }

  @Test
  void a_value_expires_in_both_tiers() {
    Duration ttl = Duration.ofMillis(1_500);
    TieredCache<String, String> one = open(name, ttl);
    TieredCache<String, String> two = open(name, ttl);
    long began = System.nanoTime();
    one.put("k", "v");
    String seen = two.getIfPresent("k");
    boolean early = System.nanoTime() - began < TimeUnit.SECONDS.toNanos(1);
    assertThat(seen).isEqualTo(early ? "v" : seen);
    Await.until("both have lost it", () -> one.getIfPresent("k") == null);
    Await.until("both have lost it", () -> two.getIfPresent("k") == null);
    assertThat(one.get("k", key -> "again")).isEqualTo("again");
  }

  @Test
  void a_key_that_is_too_long_is_refused() {
    TieredCache<String, String> cache = open();
    assertThatThrownBy(() -> cache.getIfPresent("x".repeat(10_241)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("10241");
  }

  @Test
  void a_value_that_cannot_be_encoded_is_an_error() {
    TieredCache<String, String> cache = open();
    assertThatThrownBy(() -> cache.put("k", "\ud800")).isInstanceOf(CacheException.class);
    assertThatThrownBy(() -> cache.get("k", key -> "\ud800")).isInstanceOf(CacheException.class);
    assertThat(cache.getIfPresent("k")).isNull();
  }

  @Test
  void what_cannot_be_read_is_a_miss_and_is_replaced() throws Exception {
    byte[][] planted = {
      {},
      {1},
      "some text that is longer than a header".getBytes(StandardCharsets.UTF_8),
      {2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'x'},
      {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 127, -1, -1, -1, 'x'},
      {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, -1},
    };
    AtomicInteger loads = new AtomicInteger();
    for (byte[] envelope : planted) {
      TieredCache<String, String> cache = open();
      plant("k", envelope);
      assertThat(cache.getIfPresent("k")).isNull();
      assertThat(cache.stats().decodeFailures()).isEqualTo(1);
      String loaded = cache.get("k", key -> "v" + loads.incrementAndGet());
      assertThat(loaded).isEqualTo("v" + loads.get());
      assertThat(cache.stats().decodeFailures()).isEqualTo(2);
      TieredCache<String, String> other = open();
      assertThat(other.getIfPresent("k")).isEqualTo(loaded);
      cache.close();
      other.close();
    }
  }

  @Test
  void values_of_bytes_are_kept() {
    byte[] value = new byte[200_000];
    new Random(7).nextBytes(value);
    TieredCache<String, byte[]> one = ready(create(name, MINUTE, ValueCodec.bytes()));
    TieredCache<String, byte[]> two = ready(create(name, MINUTE, ValueCodec.bytes()));
    one.put("k", value);
    assertThat(two.getIfPresent("k")).isEqualTo(value);
  }
}
