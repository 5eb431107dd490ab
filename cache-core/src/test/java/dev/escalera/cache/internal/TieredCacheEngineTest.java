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
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Orders of events that no real server lets a test choose. */
class TieredCacheEngineTest {
  private final HeldStore store = new HeldStore();
  private final TieredCache<String, String> cache = cache(Duration.ofSeconds(20));

  private TieredCache<String, String> cache(Duration budget) {
    return cache(budget, OnRemoteLoss.SERVE_LOCAL);
  }

  private TieredCache<String, String> cache(Duration budget, OnRemoteLoss loss) {
    return cache(budget, loss, Platform.system(System::nanoTime));
  }

  private TieredCache<String, String> cache(Duration budget, OnRemoteLoss loss, Platform platform) {
    return TieredCacheEngine.remote(
        new TestOptions<String, String>("held").remoteBudget(budget).onRemoteLoss(loss).build(),
        Address.encoded(KeyCodec.string()),
        ValueCodec.string(),
        store,
        platform);
  }

  @AfterEach
  void close() {
    cache.close();
  }

  private CompletableFuture<String> get(String loaded) {
    return cache
        .getAsync("k", key -> CompletableFuture.completedFuture(loaded))
        .toCompletableFuture();
  }

  private CompletableFuture<Void> put(String value) {
    return cache.putAsync("k", value).toCompletableFuture();
  }

  @Test
  void what_is_read_before_an_invalidation_is_carried_out_does_not_outlive_it() throws Exception {
    cache.put("k", "old");
    store.holds = true;
    CompletableFuture<Void> invalidated = cache.invalidateAsync("k").toCompletableFuture();
    HeldStore.Held<?> invalidation = store.next();
    CompletableFuture<String> read = get("new");
    store.next().answer();
    assertThat(read.join()).as("the invalidation is still running").isEqualTo("old");
    invalidation.answer();
    invalidated.join();
    store.holds = false;
    assertThat(cache.getIfPresent("k")).isNull();
  }

  @Test
  void what_l1_still_has_of_the_same_write_is_not_decoded_again() {
    AtomicInteger decoded = new AtomicInteger();
    ValueCodec<String> counting =
        new ValueCodec<>() {
          @Override
          public byte[] encode(String value) throws Exception {
            return ValueCodec.string().encode(value);
          }

          @Override
          public String decode(byte[] bytes) throws Exception {
            decoded.incrementAndGet();
            return ValueCodec.string().decode(bytes);
          }
        };
    HeldPlatform platform = new HeldPlatform();
    Duration second = Duration.ofSeconds(1);
    try (TieredCache<String, String> reader =
        TieredCacheEngine.remote(
            new TestOptions<String, String>("held").l1Ttl(second).build(),
            Address.encoded(KeyCodec.string()),
            counting,
            store,
            platform)) {
      cache.put("k", "v");
      String first = reader.getIfPresent("k");
      platform.advance(second);
      assertThat(reader.getIfPresent("k")).isEqualTo("v").isSameAs(first);
      platform.advance(second);
      assertThat(reader.getAll(List.of("k"), none -> Map.of()).get("k")).isSameAs(first);
      assertThat(decoded).hasValue(1);
      assertThat(reader.stats().l2Hits()).isEqualTo(3);
      cache.put("k", "v");
      assertThat(reader.getIfPresent("k")).as("another write").isEqualTo("v").isNotSameAs(first);
      assertThat(decoded).hasValue(2);
    }
  }

  @Test
  void what_is_read_before_a_put_is_carried_out_does_not_outlive_it() throws Exception {
    cache.put("k", "old");
    store.holds = true;
    CompletableFuture<Void> done = put("new");
    HeldStore.Held<?> put = store.next();
    CompletableFuture<String> read = get("loaded");
    HeldStore.Held<?> reading = store.next();
    reading.carryOut();
    put.answer();
    done.join();
    reading.answer();
    assertThat(read.join()).isEqualTo("old");
    store.holds = false;
    assertThat(get("loaded").join()).isEqualTo("new");
  }

  @Test
  void two_puts_whose_order_nobody_knows_leave_nothing_in_l1() throws Exception {
    store.holds = true;
    CompletableFuture<Void> first = put("first");
    HeldStore.Held<?> one = store.next();
    CompletableFuture<Void> second = put("second");
    HeldStore.Held<?> two = store.next();
    two.carryOut();
    one.carryOut();
    one.answer();
    two.answer();
    first.join();
    second.join();
    store.holds = false;
    assertThat(cache.getIfPresent("k")).isEqualTo("first");
    assertThat(cache.stats().l2Hits()).isEqualTo(1);
  }

  @Test
  void a_put_that_is_carried_out_after_it_failed_drops_what_was_loaded_meanwhile()
      throws Exception {
    store.holds = true;
    CompletableFuture<Void> done = put("late");
    HeldStore.Held<?> put = store.next();
    put.lose();
    done.join();
    assertThat(cache.stats().pendingInvalidations()).isEqualTo(1);
    assertThat(cache.getIfPresent("k")).as("took effect here").isEqualTo("late");
    store.holds = false;
    Await.until("it is told", () -> cache.stats().pendingInvalidations() == 0);
    assertThat(get("loaded").join()).isEqualTo("loaded");
    assertThat(cache.getIfPresent("k")).isEqualTo("loaded");
    put.carryOut();
    assertThat(cache.getIfPresent("k")).isEqualTo("late");
  }

  @Test
  void a_fill_that_is_carried_out_after_an_invalidation_is_refused() throws Exception {
    store.holds = true;
    CompletableFuture<String> read = get("old");
    store.next().answer();
    store.next().answer();
    HeldStore.Held<?> fill = store.next();
    CompletableFuture<Void> invalidated = cache.invalidateAsync("k").toCompletableFuture();
    store.next().answer();
    invalidated.join();
    fill.answer();
    assertThat(read.join()).isEqualTo("old");
    store.holds = false;
    assertThat(cache.getIfPresent("k")).isNull();
    assertThat(cache.stats().fillsRefused()).isEqualTo(1);
  }

  @Test
  void a_store_that_answers_nothing_takes_one_budget_from_a_call() {
    store.holds = true;
    try (TieredCache<String, String> hasty = cache(Duration.ofMillis(50))) {
      assertThat(hasty.get("k", key -> "loaded")).isEqualTo("loaded");
      assertThat(hasty.stats().storeReads()).isEqualTo(1);
      assertThat(hasty.stats().storeWrites()).as("no version, no fill").isZero();
      assertThat(hasty.stats().budgetExceeded()).isEqualTo(1);
      assertThat(hasty.getIfPresent("k")).as("from L1").isEqualTo("loaded");
    }
  }

  @Test
  void a_fill_that_is_not_answered_does_not_hold_the_value_back() throws Exception {
    store.holds = true;
    try (TieredCache<String, String> brief = cache(Duration.ofSeconds(1))) {
      CompletableFuture<String> read =
          brief
              .getAsync("k", key -> CompletableFuture.completedFuture("loaded"))
              .toCompletableFuture();
      store.next().answer();
      store.next().answer();
      assertThat(read.join()).isEqualTo("loaded");
      assertThat(brief.stats().storeWrites()).as("a claim and a fill").isEqualTo(2);
      assertThat(brief.stats().budgetExceeded()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource(OnRemoteLoss.class)
  void what_was_loaded_past_l2_is_not_coherent_once_l2_is_back(OnRemoteLoss loss) throws Exception {
    try (TieredCache<String, String> one = cache(Duration.ofSeconds(20), loss);
        TieredCache<String, String> other = cache(Duration.ofSeconds(20), loss)) {
      store.holds = true;
      CompletableFuture<String> loading = new CompletableFuture<>();
      CompletableFuture<String> read = one.getAsync("k", key -> loading).toCompletableFuture();
      store.next().lose();
      Await.until("the load runs", () -> one.stats().loads() == 1);
      store.holds = false;
      assertThat(other.get("k", key -> "in L2")).isEqualTo("in L2");
      loading.complete("past L2");
      assertThat(read.join()).isEqualTo("past L2");
      assertThat(one.getIfPresent("k")).isEqualTo("in L2");
      assertThat(one.stats().l1Hits()).isZero();
    }
  }

  @Test
  void what_was_loaded_past_l2_takes_no_coherent_value_from_l1() throws Exception {
    store.holds = true;
    CompletableFuture<String> loading = new CompletableFuture<>();
    CompletableFuture<String> read = cache.getAsync("k", key -> loading).toCompletableFuture();
    store.next().lose();
    Await.until("the load runs", () -> cache.stats().loads() == 1);
    // Joins no flight: it brings the value of another call of this node into L1.
    store.holds = false;
    assertThat(cache.getIfPresent("k")).isNull();
    try (TieredCache<String, String> other = cache(Duration.ofSeconds(20))) {
      assertThat(other.get("k", key -> "in L2")).isEqualTo("in L2");
    }
    assertThat(cache.getIfPresent("k")).isEqualTo("in L2");
    loading.complete("past L2");
    read.join();
    assertThat(cache.getIfPresent("k")).isEqualTo("in L2");
    assertThat(cache.stats().l1Hits()).isEqualTo(1);
  }

  @Test
  void a_value_whose_fill_was_not_answered_serves_as_what_l2_does_not_know() throws Exception {
    store.holds = true;
    CompletableFuture<String> read = get("mine");
    store.next().answer();
    store.next().answer();
    store.next().lose();
    assertThat(read.join()).isEqualTo("mine");
    store.holds = false;
    assertThat(get("another").join()).isEqualTo("another");
  }

  @ParameterizedTest
  @CsvSource({"true, true, 250", "true, false, 10", "false, true, 250", "false, false, 250"})
  void those_who_wait_for_another_node_look_often_only_if_a_lease_would_spare_it(
      boolean tells, boolean leased, long millis) {
    store.tellsLoads = tells;
    store.isBusy = true;
    HeldPlatform platform = new HeldPlatform();
    platform.holdsTimers = true;
    try (TieredCache<String, String> one =
        cache(Duration.ofSeconds(20), OnRemoteLoss.SERVE_LOCAL, platform)) {
      if (!leased) {
        store.lease().fence();
      }
      CompletableFuture<String> read =
          one.getAsync("k", key -> CompletableFuture.completedFuture("loaded"))
              .toCompletableFuture();
      Await.until("it waits", () -> platform.delays.contains(Duration.ofMillis(millis)));
      store.isBusy = false;
      platform.fire();
      assertThat(read.join()).isEqualTo("loaded");
    }
  }

  @Test
  void the_own_message_of_an_invalidation_drops_nothing_that_was_read_after_it() {
    cache.put("k", "old");
    store.holds = true;
    CompletableFuture<Void> invalidated = cache.invalidateAsync("k").toCompletableFuture();
    store.tellsLate = true;
    store.holds = false;
    assertThat(invalidated).isNotDone();
    store.answerAll();
    invalidated.join();
    assertThat(get("new").join()).isEqualTo("new");
    store.tellAll();
    assertThat(cache.getIfPresent("k")).isEqualTo("new");
    assertThat(cache.stats().l1Hits()).isEqualTo(1);
  }

  @Test
  void an_interruption_before_the_load_leaves_it_to_another_thread() throws Exception {
    store.holds = true;
    Thread first =
        new Thread(
            () ->
                assertThatThrownBy(() -> cache.get("k", key -> "first"))
                    .isInstanceOf(CacheException.class));
    first.start();
    HeldStore.Held<?> reading = store.next();
    first.interrupt();
    first.join(20_000);
    assertThat(first.isAlive()).isFalse();
    CompletableFuture<String> second = get("second");
    reading.answer();
    store.next().answer();
    store.next().answer();
    assertThat(second.join()).isEqualTo("first");
  }
}
