package dev.escalera.cache.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.cache.Await;
import dev.escalera.cache.CacheException;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Reads of many keys, and what comes between their steps. */
class BulkReaderTest {
  private static final Duration TTL = Duration.ofSeconds(10);

  private final HeldStore store = new HeldStore();
  private final HeldPlatform platform = new HeldPlatform();
  private final List<TieredCache<?, ?>> opened = new CopyOnWriteArrayList<>();

  /** The keys of each call of the loader. */
  private final List<Set<String>> asked = new CopyOnWriteArrayList<>();

  private final CountDownLatch runs = new CountDownLatch(1);
  private final CountDownLatch go = new CountDownLatch(1);

  /** Opens a node, which hears of changes until the next is opened. */
  private TieredCache<String, String> open() {
    return open(KeyCodec.string());
  }

  private <K> TieredCache<K, String> open(KeyCodec<K> codec) {
    TieredCache<K, String> cache =
        TieredCacheEngine.remote(
            new TestOptions<K, String>("bulk", TTL)
                .remoteBudget(Duration.ofMinutes(1))
                .staleIfError(Duration.ofHours(1))
                .build(),
            Address.encoded(codec),
            ValueCodec.string(),
            store,
            platform);
    opened.add(cache);
    return cache;
  }

  @AfterEach
  void close_all() {
    go.countDown();
    opened.forEach(TieredCache::close);
  }

  private Map<String, String> load(Set<String> keys) {
    asked.add(Set.copyOf(keys));
    Map<String, String> values = new HashMap<>();
    keys.forEach(key -> values.put(key, "v-" + key));
    return values;
  }

  private Map<String, String> loadSlowly(Set<String> keys) {
    Map<String, String> values = load(keys);
    runs.countDown();
    await(go);
    return values;
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted", e);
    }
  }

  private static <T> CompletableFuture<T> start(Supplier<T> call) {
    return CompletableFuture.supplyAsync(call, Workers.EXECUTOR);
  }

  /** Lets a read of a and b find nothing, and another node load b before the claims come. */
  private void loadElsewhere(TieredCache<String, String> other) throws Exception {
    store.next().answer();
    HeldStore.Held<?> a = store.next();
    HeldStore.Held<?> b = store.next();
    store.holds = false;
    other.get("b", key -> "of another node");
    a.answer();
    b.answer();
  }

  @Test
  void the_loader_may_read_a_key_of_its_call_that_another_node_has_loaded() throws Exception {
    TieredCache<String, String> other = open();
    TieredCache<String, String> cache = open();
    store.holds = true;
    CompletableFuture<Map<String, String>> read =
        start(
            () ->
                cache.getAll(
                    List.of("a", "b"),
                    keys -> {
                      asked.add(keys);
                      return Map.of("a", "a, and b " + cache.get("b", key -> "again"));
                    }));
    loadElsewhere(other);
    assertThat(read.get(20, TimeUnit.SECONDS))
        .isEqualTo(Map.of("a", "a, and b of another node", "b", "of another node"));
    assertThat(asked).containsExactly(Set.of("a"));
  }

  @Test
  void a_key_that_another_node_has_loaded_does_not_wait_for_the_load_of_the_rest()
      throws Exception {
    TieredCache<String, String> other = open();
    TieredCache<String, String> cache = open();
    store.holds = true;
    CompletableFuture<Map<String, String>> read =
        start(() -> cache.getAll(List.of("a", "b"), this::loadSlowly));
    loadElsewhere(other);
    await(runs);
    assertThat(
            cache
                .getAsync("b", key -> CompletableFuture.completedFuture("again"))
                .toCompletableFuture()
                .get(20, TimeUnit.SECONDS))
        .isEqualTo("of another node");
    go.countDown();
    assertThat(read.get(20, TimeUnit.SECONDS)).hasSize(2);
  }

  @Test
  void a_key_that_an_interrupted_caller_leaves_does_not_wait_for_the_load_of_the_rest()
      throws Exception {
    TieredCache<String, String> cache = open();
    CountDownLatch loading = new CountDownLatch(1);
    Thread first =
        new Thread(
            () ->
                assertThatThrownBy(
                        () ->
                            cache.get(
                                "b",
                                key -> {
                                  loading.countDown();
                                  await(new CountDownLatch(1));
                                  return "never";
                                }))
                    .isInstanceOf(CacheException.class));
    first.start();
    await(loading);
    CompletableFuture<Map<String, String>> second =
        start(() -> cache.getAll(List.of("a", "b"), this::loadSlowly));
    await(runs);
    first.interrupt();
    Await.until("b is loaded", () -> asked.contains(Set.of("b")));
    go.countDown();
    assertThat(second.get(20, TimeUnit.SECONDS)).isEqualTo(Map.of("a", "v-a", "b", "v-b"));
    assertThat(asked).containsExactly(Set.of("a"), Set.of("b"));
  }

  @Test
  void what_is_read_before_an_invalidation_does_not_outlive_it() throws Exception {
    TieredCache<String, String> other = open();
    other.put("a", "old");
    TieredCache<String, String> cache = open();
    store.holds = true;
    CompletableFuture<Map<String, String>> read =
        start(() -> cache.getAll(List.of("a"), this::load));
    HeldStore.Held<?> look = store.next();
    look.carryOut();
    store.holds = false;
    other.invalidate("a");
    look.answer();
    assertThat(read.get(20, TimeUnit.SECONDS)).isEqualTo(Map.of("a", "old"));
    assertThat(cache.getAll(List.of("a"), this::load)).isEqualTo(Map.of("a", "v-a"));
  }

  @Test
  void an_expired_value_that_changes_while_it_is_read_does_not_serve_when_the_load_fails()
      throws Exception {
    TieredCache<String, String> other = open();
    other.put("a", "old");
    TieredCache<String, String> cache = open();
    store.holds = true;
    CompletableFuture<Throwable> failure =
        start(
            () -> {
              try {
                return new AssertionError("served: " + cache.getAll(List.of("a"), this::fail));
              } catch (CacheException e) {
                return e;
              }
            });
    HeldStore.Held<?> look = store.next();
    look.carryOut();
    store.holds = false;
    other.invalidate("a");
    platform.advance(TTL);
    look.answer();
    assertThat(failure.get(20, TimeUnit.SECONDS))
        .isInstanceOf(CacheException.class)
        .hasRootCauseMessage("no database");
    assertThat(cache.stats().staleServed()).isZero();
  }

  private Map<String, String> fail(Set<String> keys) {
    asked.add(keys);
    throw new IllegalStateException("no database");
  }

  /** Invalidates a, which L2 does not learn, and holds what is called from then on. */
  private void invalidateUntold(TieredCache<String, String> cache) throws Exception {
    platform.holdsTimers = true;
    store.holds = true;
    CompletableFuture<Void> dropped = cache.invalidateAsync("a").toCompletableFuture();
    store.next().lose();
    dropped.join();
  }

  @Test
  void an_invalidation_that_l2_does_not_take_leaves_the_other_keys_to_l2() throws Exception {
    open().put("b", "in L2");
    TieredCache<String, String> cache = open();
    invalidateUntold(cache);
    CompletableFuture<Map<String, String>> read =
        start(() -> cache.getAll(List.of("a", "b"), this::load));
    store.next().lose();
    store.next().answer();
    assertThat(read.get(20, TimeUnit.SECONDS)).isEqualTo(Map.of("a", "v-a", "b", "in L2"));
    assertThat(asked).containsExactly(Set.of("a"));
    assertThat(cache.stats().l2Hits()).isEqualTo(1);
    assertThat(cache.stats().pendingInvalidations()).isEqualTo(1);
  }

  @Test
  void invalidations_that_l2_does_not_take_leave_no_key_to_l2() throws Exception {
    TieredCache<String, String> cache = open();
    invalidateUntold(cache);
    CompletableFuture<Map<String, String>> read =
        start(() -> cache.getAll(List.of("a"), this::load));
    store.next().lose();
    assertThat(read.get(20, TimeUnit.SECONDS)).isEqualTo(Map.of("a", "v-a"));
    assertThat(cache.stats().storeReads()).isZero();
  }

  @Test
  void what_is_asked_for_in_parts_is_asked_for_at_once_and_taken_in_as_it_comes() throws Exception {
    TieredCache<String, String> other = open();
    List.of("a", "b", "c", "d", "e").forEach(key -> other.put(key, "in L2"));
    TieredCache<String, String> cache = open();
    store.readsAtOnce = 2;
    store.holds = true;
    CompletableFuture<Map<String, String>> read =
        start(() -> cache.getAll(List.of("a", "b", "c", "d", "e"), this::load));
    HeldStore.Held<?> first = store.next();
    HeldStore.Held<?> second = store.next();
    HeldStore.Held<?> third = store.next();
    store.holds = false;
    third.answer();
    Await.until("the last part is kept", () -> cache.stats().l2Hits() == 1);
    first.lose();
    second.answer();
    assertThat(read.get(20, TimeUnit.SECONDS))
        .isEqualTo(Map.of("a", "v-a", "b", "v-b", "c", "in L2", "d", "in L2", "e", "in L2"));
    assertThat(asked).containsExactly(Set.of("a", "b"));
    assertThat(cache.stats().l2Hits()).isEqualTo(3);
  }

  @Test
  void parts_that_are_waited_for_at_once_spend_the_budget_once() throws Exception {
    TieredCache<String, String> other = open();
    TieredCache<String, String> cache = open();
    store.readsAtOnce = 1;
    store.holds = true;
    CompletableFuture<Map<String, String>> read =
        start(() -> cache.getAll(List.of("a", "b", "c"), this::load));
    List<HeldStore.Held<?>> looks = List.of(store.next(), store.next(), store.next());
    store.holds = false;
    platform.advance(Duration.ofSeconds(35));
    looks.forEach(HeldStore.Held::answer);
    assertThat(read.get(20, TimeUnit.SECONDS)).hasSize(3);
    assertThat(cache.stats().budgetExceeded()).isZero();
    assertThat(other.getIfPresent("c")).as("there was time to store it").isEqualTo("v-c");
  }

  /** A key whose hash the host cannot tell for a while. */
  private record Key(String name, CountDownLatch broken) {
    @Override
    public int hashCode() {
      if (name.equals("b") && broken.getCount() == 0) {
        throw new IllegalStateException("no hash");
      }
      return name.hashCode();
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Key key && key.name.equals(name);
    }
  }

  @Test
  void a_key_that_cannot_be_loaded_does_not_hold_up_those_who_wait_for_another() throws Exception {
    TieredCache<Key, String> cache = open(Key::name);
    CountDownLatch broken = new CountDownLatch(1);
    Key a = new Key("a", broken);
    Key b = new Key("b", broken);
    store.holds = true;
    CompletableFuture<Map<Key, String>> read =
        start(() -> cache.getAll(List.of(a, b), keys -> Map.of()));
    HeldStore.Held<?> look = store.next();
    broken.countDown();
    store.holds = false;
    look.answer();
    assertThatThrownBy(() -> read.get(20, TimeUnit.SECONDS)).hasRootCauseMessage("no hash");
    assertThat(
            cache
                .getAsync(a, key -> CompletableFuture.completedFuture("loaded"))
                .toCompletableFuture()
                .get(20, TimeUnit.SECONDS))
        .isEqualTo("loaded");
  }
}
