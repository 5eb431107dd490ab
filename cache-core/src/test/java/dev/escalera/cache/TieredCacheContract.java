package dev.escalera.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What every cache does; a backend's test says how one is made. */
public abstract class TieredCacheContract {
  protected static final Duration MINUTE = Duration.ofMinutes(1);

  /** A name of its own keeps each test apart in a store. */
  protected final String name = "cache-" + UUID.randomUUID();

  private final List<TieredCache<?, ?>> opened = new ArrayList<>();
  protected final ExecutorService threads = Executors.newCachedThreadPool();

  /** Makes a cache with a budget that no test exceeds. */
  protected abstract TieredCache<String, String> create(String name, Duration ttl);

  protected final TieredCache<String, String> open(String name, Duration ttl) {
    return ready(create(name, ttl));
  }

  protected final TieredCache<String, String> open() {
    return open(name, MINUTE);
  }

  protected final <K, V> TieredCache<K, V> ready(TieredCache<K, V> cache) {
    opened.add(cache);
    Await.until("the cache listens", () -> !cache.stats().fenced());
    return cache;
  }

  @AfterEach
  void close_all() {
    opened.forEach(TieredCache::close);
    threads.shutdownNow();
  }

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

  /** Loads "old", does something meanwhile, and returns what the load returned. */
  protected final String raced(TieredCache<String, String> cache, Runnable meanwhile)
      throws Exception {
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
                      return "old";
                    }));
    await(loading);
    meanwhile.run();
    go.countDown();
    return load.get(20, TimeUnit.SECONDS);
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
  void a_bulk_loader_that_asks_for_its_own_keys_is_an_error_and_no_deadlock() {
    TieredCache<String, String> cache = open();
    assertThatThrownBy(
            () ->
                cache.getAll(
                    List.of("a", "b"), keys -> Map.of("a", cache.get("a", key -> "v"), "b", "v")))
        .isInstanceOf(CacheException.class)
        .rootCause()
        .hasMessageContaining("the key that it loads");
    assertThatThrownBy(() -> cache.get("a", key -> cache.getAll(List.of(key), this::load).get(key)))
        .isInstanceOf(CacheException.class)
        .rootCause()
        .hasMessageContaining("the key that it loads");
    assertThatThrownBy(
            () -> cache.getAll(List.of("a", "b"), keys -> cache.getAll(List.of("b"), this::load)))
        .isInstanceOf(CacheException.class)
        .rootCause()
        .hasMessageContaining("the key that it loads");
    assertThat(cache.getAll(List.of("a", "b"), this::load)).hasSize(2);
  }

  private Map<String, String> load(Set<String> keys) {
    Map<String, String> values = new HashMap<>();
    keys.forEach(key -> values.put(key, "v-" + key));
    return values;
  }

  @Test
  void many_keys_are_loaded_at_once_and_only_those_that_are_missing() {
    TieredCache<String, String> cache = open();
    cache.put("a", "put");
    List<Set<String>> asked = new ArrayList<>();
    Map<String, String> found =
        cache.getAll(
            List.of("a", "b", "c", "b", "none"),
            keys -> {
              asked.add(Set.copyOf(keys));
              Map<String, String> loaded = load(keys);
              loaded.remove("none");
              return loaded;
            });
    assertThat(found).containsExactly(entry("a", "put"), entry("b", "v-b"), entry("c", "v-c"));
    assertThat(asked).containsExactly(Set.of("b", "c", "none"));
    assertThat(cache.getAll(found.keySet(), keys -> Map.of())).isEqualTo(found);
    assertThat(cache.getAll(List.of(), this::load)).isEmpty();
  }

  @Test
  void many_keys_that_a_tag_dropped_are_loaded_at_once() {
    TieredCache<String, String> cache = open();
    List<String> keys = List.of("a", "b", "c");
    keys.forEach(key -> cache.put(key, "put", EntryOptions.tags("t")));
    cache.invalidateTag("t");
    List<Set<String>> asked = new ArrayList<>();
    assertThat(
            cache.getAll(
                keys,
                missing -> {
                  asked.add(Set.copyOf(missing));
                  return load(missing);
                }))
        .isEqualTo(load(Set.copyOf(keys)));
    assertThat(asked).containsExactly(Set.copyOf(keys));
  }

  @Test
  void calls_for_many_keys_that_overlap_load_each_key_once() throws Exception {
    TieredCache<String, String> cache = open();
    for (int round = 0; round < 20; round++) {
      String prefix = round + "-";
      Map<String, AtomicInteger> loads = new ConcurrentHashMap<>();
      CountDownLatch start = new CountDownLatch(1);
      List<Future<Map<String, String>>> all = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        int first = i;
        List<String> keys =
            IntStream.range(0, 8).mapToObj(k -> prefix + (first * 5 + k * 7) % 16).toList();
        all.add(
            threads.submit(
                () -> {
                  start.await();
                  return cache.getAll(
                      keys,
                      missing -> {
                        missing.forEach(
                            key ->
                                loads
                                    .computeIfAbsent(key, none -> new AtomicInteger())
                                    .incrementAndGet());
                        sleep(5);
                        return load(missing);
                      });
                }));
      }
      start.countDown();
      for (Future<Map<String, String>> each : all) {
        assertThat(each.get(20, TimeUnit.SECONDS)).hasSize(8);
      }
      assertThat(loads).hasSize(16).allSatisfy((key, times) -> assertThat(times).hasValue(1));
    }
  }

  @Test
  void a_bulk_loader_that_throws_fails_each_key_that_it_was_to_load() {
    TieredCache<String, String> cache = open();
    cache.put("a", "put");
    IllegalStateException cause = new IllegalStateException("no database");
    assertThatThrownBy(
            () ->
                cache.getAll(
                    List.of("a", "b", "c"),
                    keys -> {
                      throw cause;
                    }))
        .isInstanceOf(CacheException.class)
        .hasCause(cause)
        .satisfies(e -> assertThat(e.getSuppressed()).hasSize(2));
    assertThat(cache.getAll(List.of("a", "b", "c"), this::load)).hasSize(3);
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
  void several_keys_are_invalidated() {
    TieredCache<String, String> cache = open();
    List<String> keys = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      keys.add("k" + i);
      cache.put("k" + i, "v");
    }
    cache.put("kept", "v");
    cache.invalidateAll(keys);
    assertThat(keys).allSatisfy(key -> assertThat(cache.getIfPresent(key)).isNull());
    assertThat(cache.getIfPresent("kept")).isEqualTo("v");
    cache.invalidateAll(List.of());
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

  /** Writes; the Firestore emulator fails some of those that meet at one document. */
  protected static void attempt(Runnable write) {
    try {
      write.run();
    } catch (CacheException e) {
      // Whether it was carried out or not, the tiers have to agree.
      assertThat(e.getCause()).isNotNull();
    }
  }

  /** Asserts that L1 does not differ from L2. */
  protected void assertAgreed(TieredCache<String, String> cache, String key) {}

  protected static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  protected static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted", e);
    }
  }
}
