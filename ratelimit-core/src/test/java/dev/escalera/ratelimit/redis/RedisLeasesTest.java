package dev.escalera.ratelimit.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.Permits;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Leases on Redis: what they spare, what they keep, and what is taken together with them. */
@WithRedis
class RedisLeasesTest {
  private static final Duration LEASE = Duration.ofMinutes(1);

  private final RedisClient client;
  private final String tenant = "tenant-" + UUID.randomUUID();
  private final String user = "user-" + UUID.randomUUID();

  RedisLeasesTest(RedisClient client) {
    this.client = client;
  }

  private RedisRateLimiter.Builder builder(long burst) {
    return RedisRateLimiter.builder(client)
        .limit(Limit.of(tenant, 1, Duration.ofDays(1)).burst(burst))
        .limit(Limit.of(user, 1, Duration.ofDays(1)).burst(3))
        .lease(tenant, LEASE)
        .deadline(Duration.ofSeconds(20));
  }

  @Test
  void a_bucket_that_is_asked_for_often_is_decided_in_process_and_admits_its_burst() {
    try (RateLimiter limiter = builder(1_000).build()) {
      int admitted = 0;
      int leased = 0;
      for (int i = 0; i < 1_100; i++) {
        Decision decision = limiter.tryAcquire(tenant, "t");
        admitted += decision.allowed() ? 1 : 0;
        leased += decision.source() == DecisionSource.LEASE ? 1 : 0;
      }
      assertThat(admitted).isEqualTo(1_000);
      assertThat(leased).isGreaterThan(900);
      assertThat(limiter.stats().remoteCalls()).isLessThan(60);
    }
  }

  @Test
  void what_is_leased_and_not_spent_is_given_back_when_the_limiter_is_closed() {
    try (RateLimiter other = builder(100).build()) {
      try (RateLimiter limiter = builder(100).build()) {
        for (int i = 0; i < 10; i++) {
          assertThat(limiter.tryAcquire(tenant, "t").allowed()).isTrue();
        }
        assertThat(other.maintenance().peek(tenant, "t").remaining()).isLessThan(90);
      }
      assertThat(other.maintenance().peek(tenant, "t").remaining()).isEqualTo(90);
    }
  }

  @Test
  void a_node_without_leases_respects_what_others_hold() {
    try (RateLimiter leasing = builder(20).build();
        RateLimiter exact =
            RedisRateLimiter.builder(client)
                .limit(Limit.of(tenant, 1, Duration.ofDays(1)).burst(20))
                .deadline(Duration.ofSeconds(20))
                .build()) {
      int admitted = 0;
      for (int i = 0; i < 40; i++) {
        admitted += leasing.tryAcquire(tenant, "t").allowed() ? 1 : 0;
        admitted += exact.tryAcquire(tenant, "t").allowed() ? 1 : 0;
      }
      assertThat(admitted).isLessThanOrEqualTo(20).isGreaterThanOrEqualTo(10);
    }
  }

  @Test
  void what_is_taken_together_with_a_lease_is_taken_from_both_or_from_none() {
    try (RateLimiter limiter = builder(8).build()) {
      Permits both = Permits.of(user, "u").and(tenant, "t");
      for (int i = 2; i >= 0; i--) {
        Decision decision = limiter.tryAcquire(both);
        assertThat(decision.allowed()).isTrue();
        assertThat(limiter.maintenance().peek(user, "u").remaining()).isEqualTo(i);
      }
      // The user has none left, and the tenant pays nothing for that.
      for (int i = 0; i < 20; i++) {
        assertThat(limiter.tryAcquire(both).limit().name()).isEqualTo(user);
      }
      int others = 0;
      for (int i = 0; i < 20; i++) {
        others += limiter.tryAcquire(Permits.of(user, "u" + i).and(tenant, "t")).allowed() ? 1 : 0;
      }
      assertThat(others).isEqualTo(5);
      // The tenant has none left, and the users pay nothing for that.
      Decision denied = limiter.tryAcquire(Permits.of(user, "fresh").and(tenant, "t"));
      assertThat(denied.allowed()).isFalse();
      assertThat(denied.limit().name()).isEqualTo(tenant);
      assertThat(limiter.maintenance().peek(user, "fresh").remaining()).isEqualTo(3);
    }
  }

  @Test
  void users_of_one_tenant_share_its_lease_from_many_threads_and_nodes() throws Exception {
    long burst = 400;
    ExecutorService pool = Executors.newFixedThreadPool(16);
    try (RateLimiter one = builder(burst).build();
        RateLimiter two = builder(burst).build()) {
      List<Future<Integer>> work = new ArrayList<>();
      for (int thread = 0; thread < 16; thread++) {
        RateLimiter limiter = thread % 2 == 0 ? one : two;
        String prefix = "u" + thread + "-";
        Callable<Integer> task =
            () -> {
              int admitted = 0;
              for (int i = 0; i < 50; i++) {
                Permits both = Permits.of(user, prefix + i).and(tenant, "t");
                admitted += limiter.tryAcquire(both).allowed() ? 1 : 0;
              }
              return admitted;
            };
        work.add(pool.submit(task));
      }
      int admitted = 0;
      for (Future<Integer> each : work) {
        admitted += each.get();
      }
      // What one node holds the other cannot have: half of what was left at the last.
      assertThat(admitted).isLessThanOrEqualTo((int) burst).isGreaterThan((int) burst / 2);
      try (StatefulRedisConnection<String, String> redis = client.connect()) {
        long calls = one.stats().remoteCalls() + two.stats().remoteCalls();
        assertThat(calls).isLessThan(2L * 16 * 50);
        assertThat(redis.sync().dbsize()).isPositive();
      }
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void a_reset_fills_the_bucket_and_ends_the_lease_of_this_node() {
    try (RateLimiter limiter = builder(40).build()) {
      for (int i = 0; i < 40; i++) {
        limiter.tryAcquire(tenant, "t");
      }
      assertThat(limiter.tryAcquire(tenant, "t").allowed()).isFalse();
      limiter.maintenance().reset(tenant, "t");
      assertThat(limiter.maintenance().peek(tenant, "t").remaining()).isEqualTo(40);
      assertThat(limiter.tryAcquire(tenant, "t").allowed()).isTrue();
    }
  }

  @Test
  void a_lease_for_no_limit_or_of_no_time_is_refused() {
    RedisRateLimiter.Builder builder = builder(10);
    assertThatThrownBy(() -> builder.lease(tenant, Duration.ofMillis(99)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("lease is PT0.099S, expected PT0.1S to PT1M");
    assertThatThrownBy(() -> builder(10).lease("other", LEASE).build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("there is no limit \"other\", expected one of");
  }
}
