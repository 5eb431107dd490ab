package dev.escalera.cache.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.cache.Await;
import dev.escalera.cache.CacheException;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.OnRemoteLoss;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Reads of many keys while L2 does not answer: what is loaded, by how many calls of the loader. */
class BulkOutageTest {
  private static final Duration OUTAGE_TTL = Duration.ofSeconds(10);

  private final HeldStore store = new HeldStore();
  private final HeldPlatform platform = new HeldPlatform();
  private final List<TieredCache<?, ?>> opened = new CopyOnWriteArrayList<>();

  /** The keys of each call of the loader. */
  private final List<Set<String>> asked = new CopyOnWriteArrayList<>();

  private TieredCache<String, String> open(OnRemoteLoss loss) {
    return open(options -> options.onRemoteLoss(loss));
  }

  private TieredCache<String, String> open(UnaryOperator<TestOptions<String, String>> with) {
    TestOptions<String, String> options =
        new TestOptions<String, String>("bulk", Duration.ofMinutes(10))
            .remoteBudget(Duration.ofSeconds(20))
            .outageTtl(OUTAGE_TTL);
    TieredCache<String, String> cache =
        TieredCacheEngine.remote(
            with.apply(options).build(),
            Address.encoded(KeyCodec.string()),
            ValueCodec.string(),
            store,
            platform);
    opened.add(cache);
    return cache;
  }

  @AfterEach
  void close_all() {
    opened.forEach(TieredCache::close);
  }

  private Map<String, String> load(Set<String> keys) {
    return load(keys, "v-");
  }

  private Map<String, String> load(Set<String> keys, String prefix) {
    asked.add(Set.copyOf(keys));
    Map<String, String> values = new TreeMap<>();
    keys.forEach(key -> values.put(key, prefix + key));
    return values;
  }

  private static CompletableFuture<Map<String, String>> start(
      java.util.function.Supplier<Map<String, String>> call) {
    return CompletableFuture.supplyAsync(call, Workers.EXECUTOR);
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted", e);
    }
  }

  /** A loader that does not end before it is told to. */
  private final class Slow {
    final CountDownLatch runs = new CountDownLatch(1);
    final CountDownLatch go = new CountDownLatch(1);

    Map<String, String> load(Set<String> keys) {
      Map<String, String> values = BulkOutageTest.this.load(keys, "slow-");
      runs.countDown();
      await(go);
      return values;
    }
  }

  @Test
  void what_l1_cannot_serve_is_loaded_by_one_call() {
    TieredCache<String, String> cache = open(OnRemoteLoss.SERVE_LOCAL);
    cache.put("put", "before");
    store.cutOff();
    assertThat(cache.getAll(List.of("a", "put", "b", "c"), this::load))
        .isEqualTo(Map.of("a", "v-a", "b", "v-b", "c", "v-c", "put", "before"));
    assertThat(cache.getAll(List.of("a", "b", "c", "d"), this::load)).hasSize(4);
    assertThat(asked).containsExactly(Set.of("a", "b", "c"), Set.of("d"));
    assertThat(cache.stats().loads()).isEqualTo(4);
    assertThat(cache.stats().outageHits()).isEqualTo(4);
  }

  @Test
  void with_bypass_all_is_loaded_by_one_call_each_time() {
    TieredCache<String, String> cache = open(OnRemoteLoss.BYPASS);
    cache.put("put", "before");
    store.cutOff();
    for (int i = 0; i < 2; i++) {
      assertThat(cache.getAll(List.of("a", "put", "b"), this::load))
          .isEqualTo(Map.of("a", "v-a", "b", "v-b", "put", "v-put"));
    }
    Set<String> all = Set.of("a", "put", "b");
    assertThat(asked).containsExactly(all, all);
    assertThat(cache.stats().outageHits()).isZero();
  }

  @ParameterizedTest
  @EnumSource(OnRemoteLoss.class)
  void a_look_that_l2_does_not_answer_costs_one_call_of_the_loader(OnRemoteLoss loss)
      throws Exception {
    TieredCache<String, String> cache = open(loss);
    store.holds = true;
    CompletableFuture<Map<String, String>> read =
        start(() -> cache.getAll(List.of("a", "b", "c"), this::load));
    store.next().lose();
    assertThat(read.get(20, TimeUnit.SECONDS)).hasSize(3);
    assertThat(asked).containsExactly(Set.of("a", "b", "c"));
    assertThat(cache.stats().storeReads()).isEqualTo(1);
    assertThat(cache.stats().storeWrites()).as("no version, no fill").isZero();
  }

  @Test
  void claims_that_l2_does_not_answer_cost_one_call_of_the_loader() throws Exception {
    TieredCache<String, String> cache = open(OnRemoteLoss.SERVE_LOCAL);
    store.holds = true;
    CompletableFuture<Map<String, String>> read =
        start(() -> cache.getAll(List.of("a", "b"), this::load));
    store.next().answer();
    store.next().lose();
    store.next().lose();
    assertThat(read.get(20, TimeUnit.SECONDS)).hasSize(2);
    assertThat(asked).containsExactly(Set.of("a", "b"));
  }

  @Test
  void calls_that_overlap_load_each_key_once() {
    TieredCache<String, String> cache = open(OnRemoteLoss.SERVE_LOCAL);
    store.cutOff();
    Slow slow = new Slow();
    CompletableFuture<Map<String, String>> first =
        start(() -> cache.getAll(List.of("a", "b", "c"), slow::load));
    await(slow.runs);
    CompletableFuture<Map<String, String>> second =
        start(() -> cache.getAll(List.of("c", "d", "b"), this::load));
    Await.until("the second loads what is left", () -> asked.size() == 2);
    slow.go.countDown();
    assertThat(first.join()).isEqualTo(Map.of("a", "slow-a", "b", "slow-b", "c", "slow-c"));
    assertThat(second.join()).isEqualTo(Map.of("b", "slow-b", "c", "slow-c", "d", "v-d"));
    assertThat(asked).containsExactly(Set.of("a", "b", "c"), Set.of("d"));
  }

  @Test
  void with_bypass_calls_that_overlap_load_each_for_themselves() {
    TieredCache<String, String> cache = open(OnRemoteLoss.BYPASS);
    store.cutOff();
    Slow slow = new Slow();
    CompletableFuture<Map<String, String>> first =
        start(() -> cache.getAll(List.of("a", "b"), slow::load));
    await(slow.runs);
    assertThat(cache.getAll(List.of("b", "c"), this::load))
        .isEqualTo(Map.of("b", "v-b", "c", "v-c"));
    slow.go.countDown();
    first.join();
    assertThat(asked).containsExactly(Set.of("a", "b"), Set.of("b", "c"));
  }

  @Test
  void many_calls_that_overlap_at_random_load_each_key_once() {
    TieredCache<String, String> cache = open(OnRemoteLoss.SERVE_LOCAL);
    store.cutOff();
    for (int round = 0; round < 50; round++) {
      asked.clear();
      String prefix = round + "-";
      List<CompletableFuture<Map<String, String>>> calls = new CopyOnWriteArrayList<>();
      for (int i = 0; i < 6; i++) {
        List<String> keys =
            List.of(prefix + i % 4, prefix + (i + 1) % 4, prefix + (i * 3 + 2) % 4 + "x");
        calls.add(start(() -> cache.getAll(keys, this::load)));
      }
      calls.forEach(call -> assertThat(call.join()).hasSize(3));
      assertThat(asked.stream().flatMap(Set::stream).toList()).doesNotHaveDuplicates();
    }
  }

  @Test
  void a_key_that_is_loaded_alone_is_waited_for() {
    TieredCache<String, String> cache = open(OnRemoteLoss.SERVE_LOCAL);
    store.cutOff();
    CompletableFuture<String> source = new CompletableFuture<>();
    CompletableFuture<String> single = cache.getAsync("b", key -> source).toCompletableFuture();
    Await.until("it is loaded", () -> cache.stats().loads() == 1);
    CompletableFuture<Map<String, String>> many =
        start(() -> cache.getAll(List.of("a", "b", "c"), this::load));
    Await.until("the others are loaded", () -> asked.size() == 1);
    source.complete("alone");
    assertThat(many.join()).isEqualTo(Map.of("a", "v-a", "b", "alone", "c", "v-c"));
    assertThat(single.join()).isEqualTo("alone");
    assertThat(asked).containsExactly(Set.of("a", "c"));
  }

  @Test
  void a_single_read_waits_for_a_call_that_loads_its_key() {
    TieredCache<String, String> cache = open(OnRemoteLoss.SERVE_LOCAL);
    store.cutOff();
    Slow slow = new Slow();
    CompletableFuture<Map<String, String>> many =
        start(() -> cache.getAll(List.of("a", "b"), slow::load));
    await(slow.runs);
    CompletableFuture<String> single =
        cache
            .getAsync("a", key -> CompletableFuture.completedFuture("again"))
            .toCompletableFuture();
    slow.go.countDown();
    assertThat(single.join()).isEqualTo("slow-a");
    assertThat(many.join()).hasSize(2);
    assertThat(cache.stats().loads()).isEqualTo(2);
  }

  @Test
  void a_loader_that_throws_fails_its_keys_and_no_others() {
    TieredCache<String, String> cache = open(OnRemoteLoss.SERVE_LOCAL);
    cache.put("put", "before");
    store.cutOff();
    IllegalStateException cause = new IllegalStateException("no database");
    Slow slow = new Slow();
    CompletableFuture<Map<String, String>> first =
        start(
            () ->
                cache.getAll(
                    List.of("put", "a", "b"),
                    keys -> {
                      slow.load(keys);
                      throw cause;
                    }));
    await(slow.runs);
    CompletableFuture<Map<String, String>> second =
        start(() -> cache.getAll(List.of("b", "c"), this::load));
    Await.until("the second loads what is left", () -> asked.size() == 2);
    slow.go.countDown();
    assertFailed(first, cause, 2);
    assertFailed(second, cause, 1);
    assertThat(cache.stats().loadFailures()).isEqualTo(2);
    assertThat(cache.getAll(List.of("put", "a", "b", "c"), this::load)).hasSize(4);
    assertThat(asked).containsExactly(Set.of("a", "b"), Set.of("c"), Set.of("a", "b"));
  }

  private static void assertFailed(CompletableFuture<?> call, Throwable cause, int keys) {
    assertThatThrownBy(call::join)
        .isInstanceOf(CompletionException.class)
        .cause()
        .isInstanceOf(CacheException.class)
        .hasCause(cause)
        .satisfies(e -> assertThat(e.getSuppressed()).hasSize(keys));
  }

  @Test
  void an_interrupted_caller_leaves_its_keys_to_those_who_wait() throws Exception {
    TieredCache<String, String> cache = open(OnRemoteLoss.SERVE_LOCAL);
    store.cutOff();
    CountDownLatch runs = new CountDownLatch(1);
    CompletableFuture<Throwable> failure = new CompletableFuture<>();
    Thread first =
        new Thread(
            () -> {
              try {
                cache.getAll(
                    List.of("a", "b"),
                    keys -> {
                      runs.countDown();
                      await(new CountDownLatch(1));
                      return Map.of();
                    });
              } catch (CacheException e) {
                failure.complete(e);
              }
            });
    first.start();
    await(runs);
    CompletableFuture<Map<String, String>> second =
        start(() -> cache.getAll(List.of("b", "c"), this::load));
    Await.until("the second loads what is left", () -> asked.size() == 1);
    first.interrupt();
    assertThat(second.join()).isEqualTo(Map.of("b", "v-b", "c", "v-c"));
    assertThat(failure.get(20, TimeUnit.SECONDS))
        .hasRootCauseInstanceOf(InterruptedException.class);
  }

  @Test
  void what_is_invalidated_during_the_load_is_not_kept_nor_waited_for() {
    TieredCache<String, String> cache = open(OnRemoteLoss.SERVE_LOCAL);
    store.cutOff();
    Slow slow = new Slow();
    CompletableFuture<Map<String, String>> first =
        start(() -> cache.getAll(List.of("a", "b"), slow::load));
    await(slow.runs);
    cache.invalidate("b");
    assertThat(cache.getAll(List.of("b"), this::load)).isEqualTo(Map.of("b", "v-b"));
    slow.go.countDown();
    assertThat(first.join()).isEqualTo(Map.of("a", "slow-a", "b", "slow-b"));
    assertThat(cache.getAll(List.of("a", "b"), this::load))
        .isEqualTo(Map.of("a", "slow-a", "b", "v-b"));
    assertThat(asked).containsExactly(Set.of("a", "b"), Set.of("b"));
  }

  @Test
  void what_bears_a_tag_that_changes_during_the_load_is_not_kept() {
    TieredCache<String, String> cache =
        open(options -> options.tagsOf((key, value) -> Set.of("tag-of-" + key)));
    store.cutOff();
    Slow slow = new Slow();
    CompletableFuture<Map<String, String>> first =
        start(() -> cache.getAll(List.of("a", "b"), slow::load));
    await(slow.runs);
    cache.invalidateTag("tag-of-b");
    slow.go.countDown();
    assertThat(first.join()).hasSize(2);
    assertThat(cache.getAll(List.of("a", "b"), this::load))
        .isEqualTo(Map.of("a", "slow-a", "b", "v-b"));
    cache.invalidateTag("tag-of-a");
    assertThat(cache.getAll(List.of("a", "b"), this::load))
        .isEqualTo(Map.of("a", "v-a", "b", "v-b"));
    assertThat(asked).containsExactly(Set.of("a", "b"), Set.of("b"), Set.of("a"));
  }

  @Test
  void what_was_loaded_serves_for_as_long_as_an_outage_allows() {
    TieredCache<String, String> cache = open(OnRemoteLoss.SERVE_LOCAL);
    store.cutOff();
    cache.getAll(List.of("a", "b"), this::load);
    platform.advance(OUTAGE_TTL.minusSeconds(1));
    cache.getAll(List.of("a", "b"), this::load);
    assertThat(asked).hasSize(1);
    platform.advance(Duration.ofSeconds(1));
    cache.getAll(List.of("a", "b"), this::load);
    assertThat(asked).hasSize(2);
  }

  @Test
  void expired_values_serve_when_the_one_call_fails() {
    TieredCache<String, String> cache = open(options -> options.staleIfError(Duration.ofHours(1)));
    cache.put("a", "old-a");
    cache.put("b", "old-b");
    store.cutOff();
    cache.invalidate("b");
    platform.advance(Duration.ofMinutes(11));
    assertThatThrownBy(
            () ->
                cache.getAll(
                    List.of("a", "b"),
                    keys -> {
                      load(keys);
                      throw new IllegalStateException("no database");
                    }))
        .as("b is known to have changed")
        .isInstanceOf(CacheException.class)
        .satisfies(e -> assertThat(e.getSuppressed()).hasSize(1));
    assertThat(asked).containsExactly(Set.of("a", "b"));
    assertThat(cache.stats().staleServed()).isEqualTo(1);
  }

  @Test
  void what_the_source_does_not_have_is_known_for_a_while() {
    TieredCache<String, String> cache = open(options -> options.negativeTtl(Duration.ofMinutes(1)));
    store.cutOff();
    for (int i = 0; i < 2; i++) {
      assertThat(
              cache.getAll(
                  List.of("a", "none"),
                  keys -> {
                    Map<String, String> values = load(keys);
                    values.remove("none");
                    return values;
                  }))
          .isEqualTo(Map.of("a", "v-a"));
    }
    assertThat(asked).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource(OnRemoteLoss.class)
  void what_was_loaded_so_is_not_coherent_once_l2_is_back(OnRemoteLoss loss) throws Exception {
    TieredCache<String, String> one = open(loss);
    TieredCache<String, String> other = open(loss);
    Slow slow = new Slow();
    store.holds = true;
    CompletableFuture<Map<String, String>> read =
        start(() -> one.getAll(List.of("a", "b"), slow::load));
    store.next().lose();
    await(slow.runs);
    store.holds = false;
    other.put("a", "in L2");
    slow.go.countDown();
    assertThat(read.get(20, TimeUnit.SECONDS)).isEqualTo(Map.of("a", "slow-a", "b", "slow-b"));
    assertThat(one.getAll(List.of("a", "b"), this::load))
        .isEqualTo(Map.of("a", "in L2", "b", "v-b"));
    assertThat(one.stats().l1Hits()).isZero();
  }

  @Test
  void after_a_restart_of_the_store_all_keys_of_a_call_wait_for_one_turn() {
    TieredCache<String, String> cache = open(options -> options.recoveryRate(1));
    List<String> keys = List.of("a", "b", "c");
    keys.forEach(key -> cache.put(key, "before"));
    store.cutOff();
    store.comeBack(false);
    Await.until("L1 is dropped", () -> cache.stats().l1Size() == 0);
    store.cutOff();
    platform.holdsTimers = true;
    CompletableFuture<Map<String, String>> read = start(() -> cache.getAll(keys, this::load));
    Await.until("it waits for its turn", () -> platform.timers() == 1);
    assertThat(asked).isEmpty();
    platform.fire();
    assertThat(read.join()).hasSize(3);
    assertThat(asked).containsExactly(Set.copyOf(keys));
    cache.getAll(List.of("d"), this::load);
    assertThat(asked).as("no turn is left to wait for").hasSize(2);
  }
}
