package dev.escalera.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What every cache does with one key after another. */
public abstract class TieredCacheContract extends CacheFixture {
  @Test
  void what_is_not_there_is_null() {
    TieredCache<String, String> cache = open();
    assertThat(cache.getIfPresent("k")).isNull();
    assertThat(cache.stats().misses()).isEqualTo(1);
  }

  @Test
  void what_is_put_is_there_until_it_is_invalidated() {
    TieredCache<String, String> cache = open();
    cache.put("k", "one");
    assertThat(cache.getIfPresent("k")).isEqualTo("one");
    cache.put("k", "two");
    assertThat(cache.get("k", key -> "loaded")).isEqualTo("two");
    cache.invalidate("k");
    assertThat(cache.getIfPresent("k")).isNull();
  }

  @Test
  void what_is_put_or_loaded_is_answered_by_l1() {
    TieredCache<String, String> cache = open();
    cache.put("put", "v");
    cache.get("loaded", key -> "v");
    for (int i = 0; i < 10; i++) {
      assertThat(cache.getIfPresent("put")).isEqualTo("v");
      assertThat(cache.getIfPresent("loaded")).isEqualTo("v");
    }
    assertThat(cache.stats().l1Hits()).isEqualTo(20);
    assertThat(cache.stats().l1Size()).isEqualTo(2);
  }

  @Test
  void the_asynchronous_twins_do_the_same() {
    TieredCache<String, String> cache = open();
    cache.putAsync("k", "v").toCompletableFuture().join();
    assertThat(cache.getIfPresent("k")).isEqualTo("v");
    assertThat(
            cache
                .getAsync("k", key -> CompletableFuture.completedFuture("x"))
                .toCompletableFuture()
                .join())
        .isEqualTo("v");
    cache.invalidateAsync("k").toCompletableFuture().join();
    assertThat(cache.getIfPresent("k")).isNull();
  }

  @Test
  void keys_are_data_and_not_syntax() {
    TieredCache<String, String> cache = open();
    List<String> keys =
        List.of(
            "",
            "{}",
            "{a}",
            "}",
            "a/b/c",
            ".",
            "..",
            "__x__",
            "a\r\nb",
            "%",
            "%25",
            ":",
            ":v",
            "ä",
            "\ud83d\ude00",
            "\ud800",
            "\udc00",
            "a b",
            "x".repeat(10_240));
    for (String key : keys) {
      cache.put(key, "value of " + key.hashCode());
    }
    try (TieredCache<String, String> other = open()) {
      for (String key : keys) {
        String value = "value of " + key.hashCode();
        assertThat(cache.get(key, k -> "lost")).isEqualTo(value);
        assertThat(other.get(key, k -> value)).isEqualTo(value);
      }
    }
  }

  @Test
  void caches_of_other_names_are_apart() {
    TieredCache<String, String> one = open(name + "a:b", MINUTE);
    TieredCache<String, String> two = open(name + "a", MINUTE);
    one.put("c", "one");
    assertThat(two.getIfPresent("b:c")).isNull();
    two.put("b:c", "two");
    two.invalidate("c");
    assertThat(one.getIfPresent("c")).isEqualTo("one");
  }

  @Test
  @SuppressWarnings("NullAway") // what a host without NullAway may do
  void null_is_refused() {
    TieredCache<String, String> cache = open();
    assertThatThrownBy(() -> cache.getIfPresent(null)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> cache.get(null, k -> "v")).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> cache.get("k", null)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> cache.put(null, "v")).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> cache.put("k", null)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> cache.putAsync("k", null)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> cache.invalidate(null)).isInstanceOf(NullPointerException.class);
  }

  @Test
  void a_time_to_live_that_is_not_positive_is_refused() {
    for (Duration ttl : List.of(Duration.ZERO, Duration.ofSeconds(-1), Duration.ofDays(366))) {
      assertThatThrownBy(() -> create(name, ttl))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(ttl.toString());
    }
  }

  @Test
  void a_closed_cache_says_so() {
    TieredCache<String, String> cache = open();
    cache.put("k", "v");
    cache.close();
    cache.close();
    assertThatThrownBy(() -> cache.getIfPresent("k"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(name);
    assertThatThrownBy(() -> cache.get("k", key -> "v")).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> cache.put("k", "v")).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> cache.invalidate("k")).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void concurrent_puts_and_invalidations_leave_tiers_that_agree() throws Exception {
    TieredCache<String, String> cache = open();
    for (int round = 0; round < 20; round++) {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        String value = round + "-" + i;
        all.add(threads.submit(() -> attempt(() -> cache.put("k", value))));
      }
      all.add(threads.submit(() -> attempt(() -> cache.invalidate("k"))));
      all.add(threads.submit(() -> cache.getIfPresent("k")));
      for (Future<?> each : all) {
        each.get(20, TimeUnit.SECONDS);
      }
      assertAgreed(cache, "k");
    }
  }

  /** Asserts that L1 does not differ from L2. */
  protected void assertAgreed(TieredCache<String, String> cache, String key) {}
}
