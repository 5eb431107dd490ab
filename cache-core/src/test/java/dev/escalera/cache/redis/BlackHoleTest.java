package dev.escalera.cache.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.cache.Await;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import dev.escalera.testkit.FaultProxy;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import java.time.Duration;
import java.util.Arrays;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/**
 * A Redis that takes what it is sent and never answers, under load. {@code
 * -Descalera.outage.seconds=60} makes it a minute.
 */
@WithRedis
@Isolated("it looks at the heap")
class BlackHoleTest {
  private static final Duration LENGTH =
      Duration.ofSeconds(Integer.getInteger("escalera.outage.seconds", 3));
  private static final Duration BUDGET = Duration.ofMillis(50);
  private static final int MAX_CALLS = 2_000_000;
  private static final int COLD = 200;

  private final String name = "black-hole-" + UUID.randomUUID();

  private TieredCache<String, String> open(RedisClient client) {
    TieredCache<String, String> cache =
        RedisTieredCache.builder(
                client, name, Duration.ofMinutes(10), KeyCodec.string(), ValueCodec.string())
            .remoteBudget(BUDGET)
            .build();
    Await.until("the cache listens", () -> !cache.stats().fenced());
    return cache;
  }

  /** A value is the time at which its load began. */
  private static String load(String key) {
    return Long.toString(System.nanoTime());
  }

  @Test
  void it_costs_a_call_its_budget_then_next_to_nothing_and_no_memory(RedisServer server)
      throws Exception {
    try (FaultProxy proxy = FaultProxy.to(server)) {
      RedisClient cut = RedisClient.create(proxy.redisUri());
      RedisClient whole = RedisClient.create(server.uri());
      try (TieredCache<String, String> cache = open(cut)) {
        Await.until(
            "the first put is confirmed, in a JVM that has just begun",
            () -> {
              cache.put("k", load("k"));
              return cache.stats().pendingInvalidations() == 0;
            });
        proxy.freeze();
        loseIt(cache);
        long[] nanos = new long[MAX_CALLS];
        read(cache, nanos, Duration.ofSeconds(1));
        long before = usedHeap();
        int calls = read(cache, nanos, LENGTH);
        assertThat(calls).as("calls").isGreaterThan(COLD);
        Arrays.sort(nanos, 0, calls);
        assertThat(nanos[calls / 2])
            .as("ns that a call takes in the middle, on whatever machine: no time-out is in it")
            .isLessThan(BUDGET.toNanos() / 4);
        assertThat(cache.stats().pendingInvalidations()).isLessThanOrEqualTo(COLD);
        assertThat(usedHeap() - before).as("growth of the heap in bytes").isLessThan(24L << 20);

        long changed = System.nanoTime();
        cache.invalidate("k");
        proxy.heal();
        Await.until("all is delivered", () -> cache.stats().pendingInvalidations() == 0);
        try (TieredCache<String, String> judge = open(whole)) {
          // What timed out has been carried out by now, or never will be.
          String kept = judge.getIfPresent("k");
          assertThat(kept == null || Long.parseLong(kept) > changed).as("L2: " + kept).isTrue();
          for (int i = 0; i < COLD; i++) {
            assertThat(judge.getIfPresent("cold" + i)).as("dropped after its load").isNull();
          }
        }
      } finally {
        cut.shutdown();
        whole.shutdown();
      }
    }
  }

  private static void loseIt(TieredCache<String, String> cache) {
    Await.until("the silence is noticed", () -> cache.stats().fenced());
    for (int i = 0; cache.stats().l2Available(); i++) {
      assertThat(i).as("calls until the breaker opens").isLessThan(50);
      cache.get("first" + i, BlackHoleTest::load);
    }
  }

  /** Loads and drops cold keys for a while; returns how many calls that were. */
  private static int read(TieredCache<String, String> cache, long[] nanos, Duration length) {
    long end = System.nanoTime() + length.toNanos();
    int calls = 0;
    while (System.nanoTime() - end < 0 && calls < nanos.length) {
      String key = "cold" + calls % COLD;
      long began = System.nanoTime();
      cache.get(key, BlackHoleTest::load);
      nanos[calls++] = System.nanoTime() - began;
      cache.invalidate(key);
    }
    return calls;
  }

  private static long usedHeap() throws InterruptedException {
    long least = Long.MAX_VALUE;
    Runtime runtime = Runtime.getRuntime();
    for (int i = 0; i < 3; i++) {
      System.gc();
      TimeUnit.MILLISECONDS.sleep(50);
      least = Math.min(least, runtime.totalMemory() - runtime.freeMemory());
    }
    return least;
  }
}
