package dev.escalera.ratelimit.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.RateLimiterContract;
import dev.escalera.ratelimit.internal.Target;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

@WithRedis
class RedisRateLimiterTest extends RateLimiterContract {
  private final RedisClient client;

  RedisRateLimiterTest(RedisClient client) {
    this.client = client;
  }

  @Override
  protected RateLimiter create(Limit... limits) {
    return builder(limits).denyCacheMax(Duration.ZERO).clock(clock::micros).build();
  }

  @Override
  protected RateLimiter createInRealTime(Limit... limits) {
    return builder(limits).build();
  }

  private RedisRateLimiter.Builder builder(Limit... limits) {
    RedisRateLimiter.Builder builder =
        RedisRateLimiter.builder(client).deadline(Duration.ofSeconds(20));
    for (Limit limit : limits) {
      builder.limit(limit);
    }
    return builder;
  }

  @Test
  void a_decision_is_one_call() {
    try (StatefulRedisConnection<String, String> redis = client.connect();
        RateLimiter limiter = create(Limit.of(name, 5, Duration.ofMinutes(1)))) {
      limiter.tryAcquire(name, "warm");
      redis.sync().configResetstat();

      for (int i = 0; i < 10; i++) {
        assertThat(limiter.tryAcquire(name, "u").source()).isEqualTo(DecisionSource.REMOTE);
      }

      String stats = redis.sync().info("commandstats");
      assertThat(stats).contains("cmdstat_evalsha:calls=10,").doesNotContain("cmdstat_eval:");
    }
  }

  @Test
  void what_depends_on_a_decision_may_wait_for_others_of_the_same_call() throws Exception {
    try (RateLimiter limiter = builder(Limit.of(name, 100, Duration.ofDays(1))).build()) {
      List<CompletableFuture<Decision>> decisions = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        decisions.add(limiter.tryAcquireAsync(name, "u").toCompletableFuture());
      }
      List<CompletableFuture<Decision>> dependents = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        int next = (i + 1) % 20;
        dependents.add(
            limiter
                .tryAcquireAsync(name, "u")
                .thenApply(decision -> decisions.get(next).join())
                .toCompletableFuture());
        decisions.get(i).thenAccept(decision -> decisions.get(next).join());
      }
      for (CompletableFuture<Decision> dependent : dependents) {
        assertThat(dependent.get(30, TimeUnit.SECONDS).allowed()).isTrue();
      }
    }
  }

  @Test
  void buckets_expire_when_they_are_full() throws Exception {
    try (StatefulRedisConnection<String, String> redis = client.connect();
        RateLimiter limiter = builder(Limit.of(name, 1_000, Duration.ofMillis(200))).build()) {
      redis.sync().flushall();
      for (int i = 0; i < 100; i++) {
        limiter.tryAcquire(name, "u" + i);
      }
      assertThat(redis.sync().dbsize()).isEqualTo(100);
      assertThat(redis.sync().keys("*"))
          .allSatisfy(key -> assertThat(redis.sync().pttl(key)).isBetween(1L, 1_200L));

      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
      while (redis.sync().dbsize() > 0 && System.nanoTime() < deadline) {
        Thread.sleep(20);
      }
      assertThat(redis.sync().dbsize()).isZero();
    }
  }

  @Test
  void keys_can_be_read_and_hold_one_hash_tag() {
    assertThat(RedisBuckets.key(new Target.Key("metrics", "user-7@example.com")))
        .isEqualTo("escalera:ratelimit:{user-7@example.com}:metrics");
    assertThat(RedisBuckets.key(new Target.Key("a:", "}{:%")))
        .isEqualTo("escalera:ratelimit:{%7D%7B%3A%25}:a%3A");
  }

  @Test
  void no_interval_admits_more_than_burst_and_rate_allow() throws Exception {
    Limit limit = Limit.of(name, 200, Duration.ofSeconds(1)).burst(20);
    try (RateLimiter one = builder(limit).build();
        RateLimiter two = builder(limit).build()) {
      ExecutorService pool = Executors.newFixedThreadPool(8);
      try {
        List<Future<List<long[]>>> work = new ArrayList<>();
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(1_500);
        for (int i = 0; i < 8; i++) {
          RateLimiter limiter = i % 2 == 0 ? one : two;
          work.add(pool.submit(() -> grants(limiter, end)));
        }
        List<long[]> spans = new ArrayList<>();
        for (Future<List<long[]>> each : work) {
          spans.addAll(each.get());
        }
        assertThat(spans).hasSizeGreaterThan(100);
        assertNoIntervalOver(limit, spans);
      } finally {
        pool.shutdownNow();
      }
    }
  }

  private List<long[]> grants(RateLimiter limiter, long end) {
    List<long[]> spans = new ArrayList<>();
    while (System.nanoTime() < end) {
      long before = System.nanoTime();
      Decision decision = limiter.tryAcquire(name, "u");
      if (decision.allowed()) {
        spans.add(new long[] {before, System.nanoTime()});
      }
    }
    return spans;
  }

  /**
   * Each grant happened somewhere in its span: those that lie wholly within an interval count
   * against it.
   */
  private static void assertNoIntervalOver(Limit limit, List<long[]> spans) {
    double perNano = limit.capacity() / (double) limit.period().toNanos();
    List<Long> ends = spans.stream().map(span -> span[1]).sorted().toList();
    for (long[] first : spans) {
      for (long end : ends) {
        if (end > first[0]) {
          long within =
              spans.stream().filter(span -> span[0] >= first[0] && span[1] <= end).count();
          assertThat((double) within)
              .isLessThanOrEqualTo(limit.burst() + perNano * (end - first[0]) + 1e-6);
        }
      }
    }
  }
}
