package dev.escalera.cache.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.cache.Await;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.OnRemoteLoss;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import dev.escalera.testkit.FaultProxy;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.SocketOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Redis behind a connection on which nothing moves, under load: what is served, how old it is, what
 * that costs, and how all is well again. {@code -Descalera.outage.seconds=60} makes it a minute.
 */
@WithRedis
class OutageTest {
  private static final Duration LENGTH =
      Duration.ofSeconds(Integer.getInteger("escalera.outage.seconds", 3));
  private static final Duration LEASE = Duration.ofMillis(500);
  private static final Duration OUTAGE_TTL = LENGTH.dividedBy(4);
  private static final Duration BUDGET = Duration.ofMillis(50);
  private static final int KEYS = 20;
  private static final int THREADS = 4;

  private final FaultProxy proxy;
  private final RedisClient cut;
  private final RedisClient whole;
  private final String name = "outage-" + UUID.randomUUID();
  private final List<TieredCache<?, ?>> caches = new ArrayList<>();
  private final AtomicInteger loads = new AtomicInteger();

  OutageTest(RedisServer server) {
    this.proxy = FaultProxy.to(server);
    this.cut = RedisClient.create(proxy.redisUri());
    cut.setOptions(
        ClientOptions.builder()
            .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
            .socketOptions(SocketOptions.builder().connectTimeout(Duration.ofSeconds(1)).build())
            .build());
    this.whole = RedisClient.create(server.uri());
  }

  @BeforeEach
  void heal() {
    proxy.heal();
  }

  @AfterEach
  void close_all() {
    proxy.heal();
    caches.forEach(TieredCache::close);
    cut.shutdown();
    whole.shutdown();
    proxy.close();
  }

  private TieredCache<String, String> open(RedisClient client, OnRemoteLoss loss) {
    TieredCache<String, String> cache =
        RedisTieredCache.builder(
                client, name, Duration.ofMinutes(10), KeyCodec.string(), ValueCodec.string())
            .maxStaleness(LEASE)
            .remoteBudget(BUDGET)
            .onRemoteLoss(loss)
            .outageTtl(OUTAGE_TTL)
            .earlyRefresh(0)
            .build();
    caches.add(cache);
    Await.until("the cache listens", () -> !cache.stats().fenced());
    return cache;
  }

  /** A value is the time at which its load began. */
  private String load(String key) {
    loads.incrementAndGet();
    return Long.toString(System.nanoTime());
  }

  /** What was seen while nothing moved; times in nanoseconds. */
  private static final class Seen {
    final AtomicLong calls = new AtomicLong();
    final AtomicLong oldest = new AtomicLong(Long.MIN_VALUE);
    final AtomicLong slowest = new AtomicLong();
    final AtomicInteger broken = new AtomicInteger();
  }

  /** Reads all keys from several threads until a time. */
  private Seen read(TieredCache<String, String> cache, long until) throws InterruptedException {
    Seen seen = new Seen();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      int first = i;
      threads.add(new Thread(() -> read(cache, until, first, seen)));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(seen.broken).as("reads that failed").hasValue(0);
    return seen;
  }

  private void read(TieredCache<String, String> cache, long until, int first, Seen seen) {
    for (int i = first; System.nanoTime() - until < 0; i++) {
      long began = System.nanoTime();
      try {
        long loaded = Long.parseLong(cache.get("k" + i % KEYS, this::load));
        seen.slowest.accumulateAndGet(System.nanoTime() - began, Math::max);
        seen.oldest.accumulateAndGet(began - loaded, Math::max);
        seen.calls.incrementAndGet();
        TimeUnit.MICROSECONDS.sleep(200);
      } catch (RuntimeException | InterruptedException e) {
        seen.broken.incrementAndGet();
      }
    }
  }

  private void warm(TieredCache<String, String> cache) {
    for (int i = 0; i < KEYS; i++) {
      cache.get("k" + i, this::load);
    }
  }

  @Test
  void with_serve_local_nothing_is_older_than_its_bound_and_the_source_is_spared()
      throws Exception {
    TieredCache<String, String> cache = open(cut, OnRemoteLoss.SERVE_LOCAL);
    TieredCache<String, String> other = open(whole, OnRemoteLoss.SERVE_LOCAL);
    warm(cache);
    proxy.freeze();
    Await.until("the silence is noticed", () -> cache.stats().fenced());
    loads.set(0);
    long end = System.nanoTime() + LENGTH.toNanos();
    Seen seen = read(cache, end);
    assertThat(seen.oldest.get()).as("age in ns").isLessThan(OUTAGE_TTL.toNanos());
    assertThat(seen.calls.get()).isGreaterThan(10L * KEYS);
    assertThat(loads.get())
        .as("loads: one a key and bound, and the first")
        .isBetween(KEYS, KEYS * 5 + KEYS);
    assertThat(cache.stats().outageHits()).isPositive();
    assertRecovers(cache, other);
  }

  @Test
  void with_bypass_each_read_that_begins_after_the_lease_loads() throws Exception {
    TieredCache<String, String> cache = open(cut, OnRemoteLoss.BYPASS);
    TieredCache<String, String> other = open(whole, OnRemoteLoss.BYPASS);
    warm(cache);
    proxy.freeze();
    Await.until("the silence is noticed", () -> cache.stats().fenced());
    loads.set(0);
    Seen seen = read(cache, System.nanoTime() + LENGTH.toNanos());
    assertThat(seen.oldest.get()).as("age in ns of what was read").isNegative();
    assertThat(loads.get()).isEqualTo((int) seen.calls.get());
    assertRecovers(cache, other);
  }

  /** Changes while nothing moves, and all that after it. */
  private void assertRecovers(
      TieredCache<String, String> cache, TieredCache<String, String> other) {
    long changed = System.nanoTime();
    for (int i = 0; i < KEYS / 2; i++) {
      cache.invalidate("k" + i);
    }
    cache.put("k" + (KEYS - 1), Long.toString(System.nanoTime()));
    assertThat(cache.stats().pendingInvalidations()).isEqualTo(KEYS / 2 + 1);
    proxy.heal();
    Await.until(
        "all is delivered",
        () -> cache.stats().pendingInvalidations() == 0 && !cache.stats().fenced());
    long settled = System.nanoTime();
    Await.until("a lease has passed", () -> System.nanoTime() - settled > LEASE.toNanos());
    for (int i = 0; i < KEYS; i++) {
      String key = "k" + i;
      boolean old = i >= KEYS / 2 && i < KEYS - 1;
      for (TieredCache<String, String> node : List.of(cache, other)) {
        assertThat(Long.parseLong(node.get(key, this::load)))
            .as(key)
            .isGreaterThan(old ? 0 : changed);
      }
      Await.until(
          "the nodes agree on " + key,
          () -> Objects.equals(cache.get(key, this::load), other.get(key, this::load)));
    }
  }
}
