package dev.escalera.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What every cache does with a loader: who loads, who waits, and what becomes of it. */
public abstract class LoadsContract extends CacheFixture {
  @Test
  void a_value_is_loaded_once() {
    TieredCache<String, String> cache = open();
    AtomicInteger loads = new AtomicInteger();
    for (int i = 0; i < 5; i++) {
      assertThat(cache.get("k", key -> key + loads.incrementAndGet())).isEqualTo("k1");
    }
    CacheStats stats = cache.stats();
    assertThat(stats.loads()).isEqualTo(1);
    assertThat(stats.misses()).isEqualTo(1);
    assertThat(stats.l1Hits()).isEqualTo(4);
    assertThat(stats.hitRate()).isEqualTo(0.8);
    assertThat(stats.loadFailures()).isZero();
    assertThat(stats.loadTime()).isPositive();
    assertThat(stats.l2Available()).isTrue();
  }

  @Test
  void sixty_four_threads_and_a_cold_key_are_one_load() throws Exception {
    TieredCache<String, String> cache = open();
    for (int round = 0; round < 5; round++) {
      String key = "k" + round;
      AtomicInteger loads = new AtomicInteger();
      CountDownLatch start = new CountDownLatch(1);
      List<Future<String>> all = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        boolean async = i % 4 == 0;
        all.add(
            threads.submit(
                () -> {
                  start.await();
                  return async
                      ? cache
                          .getAsync(key, k -> CompletableFuture.supplyAsync(() -> slow(loads)))
                          .toCompletableFuture()
                          .get()
                      : cache.get(key, k -> slow(loads));
                }));
      }
      start.countDown();
      for (Future<String> each : all) {
        assertThat(each.get(20, TimeUnit.SECONDS)).isEqualTo("v");
      }
      assertThat(loads).hasValue(1);
    }
  }

  private static String slow(AtomicInteger loads) {
    loads.incrementAndGet();
    sleep(50);
    return "v";
  }

  @Test
  void a_load_that_lost_a_race_against_an_invalidation_is_not_cached() throws Exception {
    TieredCache<String, String> cache = open();
    assertThat(raced(cache, () -> cache.invalidate("k"))).isEqualTo("old");
    assertThat(cache.getIfPresent("k")).isNull();
    assertThat(cache.get("k", key -> "new")).isEqualTo("new");
  }

  @Test
  void a_load_that_lost_a_race_against_a_put_is_not_cached() throws Exception {
    TieredCache<String, String> cache = open();
    assertThat(raced(cache, () -> cache.put("k", "new"))).isEqualTo("old");
    assertThat(cache.get("k", key -> "again")).isEqualTo("new");
  }

  @Test
  void a_get_that_begins_after_an_invalidation_does_not_join_an_older_load() throws Exception {
    TieredCache<String, String> cache = open();
    AtomicReference<String> later = new AtomicReference<>();
    raced(
        cache,
        () -> {
          cache.invalidate("k");
          later.set(cache.get("k", key -> "new"));
        });
    assertThat(later).hasValue("new");
    assertThat(cache.getIfPresent("k")).isEqualTo("new");
  }

  @Test
  void a_loader_that_returns_null_caches_nothing() {
    TieredCache<String, String> cache = open();
    AtomicInteger loads = new AtomicInteger();
    for (int i = 0; i < 2; i++) {
      assertThat(cache.get("k", key -> nothing(loads))).isNull();
    }
    assertThat(loads).hasValue(2);
    assertThat(cache.getIfPresent("k")).isNull();
  }

  private static @Nullable String nothing(AtomicInteger loads) {
    loads.incrementAndGet();
    return null;
  }

  @Test
  void a_loader_that_throws_fails_all_who_wait_and_caches_nothing() throws Exception {
    TieredCache<String, String> cache = open();
    CountDownLatch go = new CountDownLatch(1);
    IllegalArgumentException cause = new IllegalArgumentException("no such row");
    List<Future<String>> all = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      all.add(
          threads.submit(
              () ->
                  cache.get(
                      "a\r\nb",
                      key -> {
                        await(go);
                        throw cause;
                      })));
    }
    Await.until("a load runs", () -> cache.stats().loads() == 1);
    go.countDown();
    for (Future<String> each : all) {
      assertThatThrownBy(() -> each.get(20, TimeUnit.SECONDS))
          .cause()
          .isInstanceOf(CacheException.class)
          .hasMessageContaining("get")
          .hasMessageContaining("a%0D%0Ab")
          .hasCause(cause);
    }
    assertThat(cache.stats().loadFailures()).isEqualTo(cache.stats().loads());
    assertThat(cache.get("a\r\nb", key -> "v")).isEqualTo("v");
  }

  @Test
  void a_failed_asynchronous_load_fails_the_future() {
    TieredCache<String, String> cache = open();
    IllegalStateException cause = new IllegalStateException("no");
    assertThatThrownBy(
            () ->
                cache
                    .getAsync("k", key -> CompletableFuture.failedFuture(cause))
                    .toCompletableFuture()
                    .join())
        .isInstanceOf(CompletionException.class)
        .cause()
        .isInstanceOf(CacheException.class)
        .hasCause(cause);
    assertThat(cache.getIfPresent("k")).isNull();
  }

  @Test
  void a_loader_that_asks_for_its_own_key_is_an_error_and_no_deadlock() {
    TieredCache<String, String> cache = open();
    assertThatThrownBy(() -> cache.get("k", key -> cache.get(key, again -> "v")))
        .isInstanceOf(CacheException.class)
        .rootCause()
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("the key that it loads");
    assertThatThrownBy(
            () -> cache.get("k", key -> cache.get("by way of", other -> cache.get(key, k -> "v"))))
        .isInstanceOf(CacheException.class)
        .rootCause()
        .hasMessageContaining("the key that it loads");
    assertThat(cache.get("k", key -> "x" + cache.get("other", again -> "y"))).isEqualTo("xy");
  }

  @Test
  void an_interrupted_caller_leaves_the_load_to_those_who_wait() throws Exception {
    TieredCache<String, String> cache = open();
    CountDownLatch loading = new CountDownLatch(1);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread first =
        new Thread(
            () -> {
              try {
                cache.get(
                    "k",
                    key -> {
                      loading.countDown();
                      sleep(20_000);
                      return "first";
                    });
              } catch (CacheException e) {
                failure.set(e);
              }
            });
    first.start();
    await(loading);
    CountDownLatch waits = new CountDownLatch(1);
    Future<String> second =
        threads.submit(
            () -> {
              waits.countDown();
              return cache.get("k", key -> "second");
            });
    await(waits);
    sleep(20);
    first.interrupt();
    assertThat(second.get(20, TimeUnit.SECONDS)).isEqualTo("second");
    first.join(20_000);
    assertThat(failure.get()).isInstanceOf(CacheException.class);
    assertThat(cache.getIfPresent("k")).isEqualTo("second");
  }

  @Test
  void an_interrupted_waiter_goes_and_keeps_its_interruption() throws Exception {
    TieredCache<String, String> cache = open();
    CountDownLatch loading = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    Future<String> load =
        threads.submit(
            () ->
                cache.get(
                    "k",
                    key -> {
                      loading.countDown();
                      await(go);
                      return "v";
                    }));
    await(loading);
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> cache.get("k", key -> "mine"))
        .isInstanceOf(CacheException.class)
        .hasMessageContaining("interrupted");
    assertThat(Thread.interrupted()).isTrue();
    go.countDown();
    assertThat(load.get(20, TimeUnit.SECONDS)).isEqualTo("v");
  }

  @Test
  void a_cancelled_future_leaves_the_load_to_the_others() {
    TieredCache<String, String> cache = open();
    CompletableFuture<String> source = new CompletableFuture<>();
    CompletableFuture<String> one = cache.getAsync("k", key -> source).toCompletableFuture();
    CompletableFuture<String> two = cache.getAsync("k", key -> source).toCompletableFuture();
    one.cancel(true);
    source.complete("v");
    assertThat(two.join()).isEqualTo("v");
    assertThatThrownBy(one::join).isInstanceOf(CancellationException.class);
    assertThat(cache.stats().loads()).isEqualTo(1);
  }
}
