package dev.escalera.cache.firestore;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.firestore.Firestore;
import dev.escalera.cache.AcknowledgedContract;
import dev.escalera.cache.Await;
import dev.escalera.cache.Freshness;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.OnRemoteLoss;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import dev.escalera.testkit.FaultProxy;
import dev.escalera.testkit.FirestoreEmulator;
import dev.escalera.testkit.WithFirestore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Nodes with clients of their own, each behind a proxy. */
@WithFirestore
class FirestoreLeaseTest {
  private static final Duration LEASE = Duration.ofSeconds(1);

  private final FirestoreEmulator emulator;
  private final Firestore firestore;
  private final String name = "cache-" + UUID.randomUUID();
  private final List<FaultProxy> proxies = new ArrayList<>();
  private final List<Firestore> clients = new ArrayList<>();
  private final List<TieredCache<?, ?>> caches = new ArrayList<>();

  FirestoreLeaseTest(FirestoreEmulator emulator, Firestore firestore) {
    this.emulator = emulator;
    this.firestore = firestore;
  }

  @AfterEach
  void close_all() {
    caches.forEach(TieredCache::close);
    clients.forEach(Firestore::shutdownNow);
    proxies.forEach(FaultProxy::close);
  }

  private TieredCache<String, String> node(Freshness freshness, Duration lease, String... tags) {
    FaultProxy proxy = FaultProxy.to(emulator);
    proxies.add(proxy);
    Firestore client = emulator.openClient(firestore.getOptions().getProjectId(), proxy);
    clients.add(client);
    TieredCache<String, String> cache =
        FirestoreTieredCache.builder(
                client, name, Duration.ofMinutes(1), KeyCodec.string(), ValueCodec.string())
            .maxStaleness(lease)
            .remoteBudget(Duration.ofSeconds(1))
            .onRemoteLoss(OnRemoteLoss.BYPASS)
            .freshness(freshness)
            .tagsOf((key, value) -> Set.of(tags))
            .build();
    caches.add(cache);
    Await.until("the cache listens", () -> !cache.stats().fenced());
    return cache;
  }

  private TieredCache<String, String> node(Freshness freshness) {
    return node(freshness, LEASE);
  }

  private static void awaitInL1(TieredCache<String, String> cache, String value) {
    Await.until(
        "L1 serves the value",
        () -> {
          long hits = cache.stats().l1Hits();
          return value.equals(cache.get("k", key -> value)) && cache.stats().l1Hits() > hits;
        });
  }

  private long leader() throws Exception {
    Long leader =
        new FirestoreLayout(firestore, name)
            .stripes()
            .get(0)
            .document(Heartbeats.ID)
            .get()
            .get()
            .getLong("leader");
    assertThat(leader).isNotNull();
    return leader;
  }

  @Test
  void a_node_that_is_cut_off_serves_nothing_old_after_max_staleness_and_comes_back() {
    TieredCache<String, String> one = node(Freshness.BOUNDED);
    TieredCache<String, String> two = node(Freshness.BOUNDED);
    awaitInL1(two, "old");
    proxies.get(1).freeze();
    one.invalidate("k");
    long known = System.nanoTime();
    boolean served = false;
    while (System.nanoTime() - known <= LEASE.toNanos()) {
      // A get is decided at its lease check, and this one began before the bound.
      served |= "old".equals(two.get("k", key -> "new"));
    }
    assertThat(served).as("it was in L1, so the lease is what ends it").isTrue();
    assertThat(two.get("k", key -> "new")).isEqualTo("new");
    assertThat(two.stats().fenced()).isTrue();
    proxies.get(1).heal();
    Await.until("it serves L1 again", () -> !two.stats().fenced());
    awaitInL1(two, "new");
  }

  @Test
  void an_acknowledged_change_binds_a_node_that_is_cut_off() {
    TieredCache<String, String> one = node(Freshness.ACKNOWLEDGED);
    TieredCache<String, String> two = node(Freshness.ACKNOWLEDGED);
    for (int round = 0; round < 2; round++) {
      String old = "old " + round;
      one.put("k", old);
      awaitInL1(two, old);
      proxies.get(1).freeze();
      long began = System.nanoTime();
      one.invalidate("k");
      assertThat(System.nanoTime() - began).isGreaterThanOrEqualTo(LEASE.toNanos() * 101 / 100);
      assertThat(two.get("k", key -> "new")).isEqualTo("new");
      proxies.get(1).heal();
      Await.until("it serves L1 again", () -> !two.stats().fenced());
    }
  }

  @Test
  void when_the_leader_dies_another_writes_the_heartbeats() throws Exception {
    node(Freshness.BOUNDED);
    TieredCache<String, String> two = node(Freshness.BOUNDED);
    long first = leader();
    // Without a word: nothing of it reaches the store any more.
    proxies.get(0).freeze();
    Await.until("another leads", () -> isOther(first));
    Await.until("its lease holds", () -> !two.stats().fenced());
    awaitInL1(two, "v");
    proxies.get(0).heal();
    Await.until("all hold leases", () -> caches.stream().noneMatch(each -> each.stats().fenced()));
    assertThat(leader()).isNotEqualTo(first);
  }

  private boolean isOther(long first) {
    try {
      return leader() != first;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void with_a_slow_connection_no_lease_lapses() {
    Duration lease = Duration.ofSeconds(2);
    TieredCache<String, String> one = node(Freshness.BOUNDED, lease);
    TieredCache<String, String> two = node(Freshness.BOUNDED, lease);
    proxies.forEach(proxy -> proxy.latency(Duration.ofMillis(100)));
    long reads = two.stats().storeReads();
    while (two.stats().storeReads() < reads + 2 * Heartbeats.A_LEASE) {
      assertThat(one.stats().fenced()).isFalse();
      assertThat(two.stats().fenced()).isFalse();
    }
  }

  @Test
  void what_the_lease_costs_is_counted() {
    TieredCache<String, String> one = node(Freshness.BOUNDED);
    TieredCache<String, String> two = node(Freshness.BOUNDED);
    Await.until("both have read", () -> two.stats().storeReads() > 8);
    assertThat(one.stats().storeReads()).isGreaterThan(8);
    assertThat(one.stats().storeWrites()).as("the leader").isGreaterThan(4);
    assertThat(two.stats().storeWrites()).as("the other, at its start").isLessThan(4);
  }

  @Test
  void a_cache_that_is_closed_leaves_no_thread_though_its_client_is_closed_at_once() {
    TieredCache<String, String> cache = node(Freshness.BOUNDED);
    assertThat(threads()).isEqualTo(1);
    cache.close();
    clients.get(0).shutdownNow();
    Await.until("the thread ends", () -> threads() == 0);
  }

  private long threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().contains(name))
        .count();
  }

  @Nested
  class Acknowledged extends AcknowledgedContract {
    @Override
    protected TieredCache<String, String> node(String... tags) {
      return FirestoreLeaseTest.this.node(Freshness.ACKNOWLEDGED, LEASE, tags);
    }

    @Override
    protected int rounds() {
      return 1;
    }
  }
}
