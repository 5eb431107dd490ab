package dev.escalera.cache.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.escalera.cache.Await;
import dev.escalera.cache.BulkContract;
import dev.escalera.cache.CacheException;
import dev.escalera.cache.LoadsContract;
import dev.escalera.cache.ManualTicker;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.TieredCacheContract;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class LocalTieredCacheTest extends TieredCacheContract {
  private final ManualTicker ticker = new ManualTicker();

  @Override
  protected TieredCache<String, String> create(String name, Duration ttl) {
    return LocalTieredCache.<String, String>builder(name, ttl).build();
  }

  @Test
  void a_value_lives_as_long_as_it_may() {
    TieredCache<String, String> cache =
        ready(
            LocalTieredCache.<String, String>builder(name, MINUTE)
                .ttlJitter(0)
                .ticker(ticker::nanos)
                .build());
    cache.put("put", "v");
    cache.get("loaded", key -> "v");
    ticker.advance(Duration.ofSeconds(59));
    assertThat(cache.getIfPresent("put")).isEqualTo("v");
    assertThat(cache.getIfPresent("loaded")).isEqualTo("v");
    ticker.advance(Duration.ofSeconds(1));
    assertThat(cache.getIfPresent("put")).isNull();
    assertThat(cache.getIfPresent("loaded")).isNull();
  }

  @Test
  void the_jitter_only_shortens() {
    TieredCache<String, String> cache =
        ready(
            LocalTieredCache.<String, String>builder(name, MINUTE)
                .ttlJitter(0.5)
                .ticker(ticker::nanos)
                .build());
    for (int i = 0; i < 200; i++) {
      cache.put("k" + i, "v");
    }
    ticker.advance(Duration.ofSeconds(30).minusNanos(1));
    assertThat(present(cache)).isEqualTo(200);
    ticker.advance(Duration.ofSeconds(15));
    assertThat(present(cache)).isBetween(50L, 150L);
    ticker.advance(Duration.ofSeconds(15).plusNanos(1));
    assertThat(present(cache)).isZero();
  }

  private static long present(TieredCache<String, String> cache) {
    long present = 0;
    for (int i = 0; i < 200; i++) {
      present += cache.getIfPresent("k" + i) != null ? 1 : 0;
    }
    return present;
  }

  @Test
  void options_out_of_range_are_refused_with_their_value() {
    LocalTieredCache.Builder<String, String> builder =
        LocalTieredCache.<String, String>builder(name, MINUTE);
    assertThatThrownBy(() -> builder.ttlJitter(-0.1)).hasMessageContaining("-0.1");
    assertThatThrownBy(() -> builder.ttlJitter(Double.NaN)).hasMessageContaining("NaN");
    assertThatThrownBy(() -> builder.l1MaximumSize(0)).hasMessageContaining("0");
    assertThatThrownBy(() -> LocalTieredCache.builder("", MINUTE)).hasMessageContaining("0");
    assertThatThrownBy(() -> LocalTieredCache.builder("x".repeat(101), MINUTE))
        .hasMessageContaining("101");
  }

  @Test
  void options_that_conflict_are_refused() {
    assertThatThrownBy(
            () ->
                LocalTieredCache.<String, String>builder(name, MINUTE)
                    .staleIfError(MINUTE)
                    .softTimeout(Duration.ofSeconds(2))
                    .hardTimeout(Duration.ofSeconds(1))
                    .build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("PT2S")
        .hasMessageContaining("PT1S");
    assertThatThrownBy(
            () ->
                LocalTieredCache.<String, String>builder(name, MINUTE)
                    .softTimeout(Duration.ofSeconds(2))
                    .build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("staleIfError");
  }

  @Test
  void a_loader_that_does_not_end_fails_its_callers_in_time_and_is_used_once_it_does()
      throws Exception {
    TieredCache<String, String> cache =
        ready(
            LocalTieredCache.<String, String>builder(name, MINUTE)
                .hardTimeout(Duration.ofMillis(100))
                .build());
    CountDownLatch end = new CountDownLatch(1);
    Function<String, String> loader =
        key -> {
          await(end);
          return "late";
        };
    for (int i = 0; i < 3; i++) {
      assertThatThrownBy(() -> cache.get("k", loader))
          .isInstanceOf(CacheException.class)
          .hasCauseInstanceOf(TimeoutException.class)
          .cause()
          .hasMessageContaining("PT0.1S");
    }
    assertThat(cache.get("other", key -> "v")).isEqualTo("v");
    end.countDown();
    Await.until("what was loaded is kept", () -> "late".equals(cache.getIfPresent("k")));
  }

  @Test
  void an_asynchronous_call_does_not_wait_for_a_loader_that_may_be_left_behind() {
    TieredCache<String, String> cache =
        ready(
            LocalTieredCache.<String, String>builder(name, MINUTE)
                .hardTimeout(Duration.ofMillis(100))
                .build());
    CountDownLatch end = new CountDownLatch(1);
    CompletionStage<String> read =
        cache.getAsync(
            "k",
            key -> {
              await(end);
              return CompletableFuture.completedFuture("late");
            });
    assertThatThrownBy(() -> read.toCompletableFuture().join())
        .cause()
        .hasCauseInstanceOf(TimeoutException.class);
    end.countDown();
    Await.until("what was loaded is kept", () -> "late".equals(cache.getIfPresent("k")));
  }

  @Test
  void a_loader_of_many_keys_that_does_not_end_fails_them_in_time() {
    TieredCache<String, String> cache =
        ready(
            LocalTieredCache.<String, String>builder(name, MINUTE)
                .hardTimeout(Duration.ofMillis(100))
                .build());
    CountDownLatch end = new CountDownLatch(1);
    assertThatThrownBy(
            () ->
                cache.getAll(
                    List.of("a", "b"),
                    keys -> {
                      await(end);
                      return Map.of("a", "late", "b", "late");
                    }))
        .isInstanceOf(CacheException.class)
        .hasCauseInstanceOf(TimeoutException.class)
        .satisfies(e -> assertThat(e.getSuppressed()).hasSize(2));
    end.countDown();
    Await.until("what was loaded is kept", () -> "late".equals(cache.getIfPresent("b")));
  }

  @Test
  void no_more_entries_are_kept_than_allowed() {
    TieredCache<Integer, String> cache =
        ready(LocalTieredCache.<Integer, String>builder(name, MINUTE).l1MaximumSize(100).build());
    for (int i = 0; i < 10_000; i++) {
      cache.put(i, "v");
    }
    Await.until("they are evicted", () -> cache.stats().l1Size() <= 100);
  }

  @Test
  void a_hit_allocates_nothing() {
    TieredCache<String, String> cache = open();
    cache.put("k", "v");
    ThreadMXBean memory = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long hits = 100_000;
    read(cache, hits);
    long before = memory.getCurrentThreadAllocatedBytes();
    read(cache, hits);
    // Caffeine's own upkeep comes to this thread now and then.
    assertThat(memory.getCurrentThreadAllocatedBytes() - before).isLessThan(hits);
  }

  private static void read(TieredCache<String, String> cache, long times) {
    for (long i = 0; i < times; i++) {
      if (!"v".equals(cache.getIfPresent("k")) || !"v".equals(cache.get("k", key -> "x"))) {
        throw new AssertionError("not there");
      }
    }
  }

  @Nested
  class Loads extends LoadsContract {
    @Override
    protected TieredCache<String, String> create(String name, Duration ttl) {
      return LocalTieredCacheTest.this.create(name, ttl);
    }
  }

  @Nested
  class Bulk extends BulkContract {
    @Override
    protected TieredCache<String, String> create(String name, Duration ttl) {
      return LocalTieredCacheTest.this.create(name, ttl);
    }
  }
}
