package dev.escalera.ratelimit.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.FailurePolicy;
import dev.escalera.ratelimit.HeaderProfile;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.KillArgs;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

@WithRedis
class RedisRateLimiterFaultTest {
  private final RedisServer server;
  private final RedisClient client;
  private final String name = "limit-" + UUID.randomUUID();
  private final Limit limit = Limit.of(name, 1_000_000, Duration.ofSeconds(10));

  RedisRateLimiterFaultTest(RedisServer server, RedisClient client) {
    this.server = server;
    this.client = client;
  }

  private RateLimiter limiter(FailurePolicy policy) {
    return RedisRateLimiter.builder(client).limit(limit).onBackendFailure(policy).build();
  }

  @Test
  void a_frozen_redis_leaves_the_decision_to_the_policy_and_decides_again_later() {
    try (RateLimiter open = limiter(FailurePolicy.FAIL_OPEN);
        RateLimiter closed = limiter(FailurePolicy.FAIL_CLOSED)) {
      awaitRemote(open);
      awaitRemote(closed);
      server.pause();
      try {
        Decision admitted = open.tryAcquire(name, "u");
        assertThat(admitted.allowed()).isTrue();
        assertThat(admitted.source()).isEqualTo(DecisionSource.FALLBACK);
        assertThat(admitted.headers(HeaderProfile.DRAFT_11)).containsOnlyKeys("RateLimit-Policy");

        Decision refused = closed.tryAcquire(name, "u");
        assertThat(refused.allowed()).isFalse();
        assertThat(refused.source()).isEqualTo(DecisionSource.FALLBACK);
        assertThat(refused.retryAfter()).isPositive();
      } finally {
        server.resume();
      }
      awaitRemote(open);
      awaitRemote(closed);
    }
  }

  @Test
  void a_connection_that_is_cut_is_replaced() {
    try (RateLimiter limiter = limiter(FailurePolicy.FAIL_CLOSED);
        StatefulRedisConnection<String, String> redis = client.connect()) {
      for (int i = 0; i < 5; i++) {
        awaitRemote(limiter);
        redis.sync().clientKill(KillArgs.Builder.skipme());
      }
      awaitRemote(limiter);
    }
  }

  @Test
  void scripts_that_are_flushed_are_no_fault() {
    try (RateLimiter limiter =
            RedisRateLimiter.builder(client).limit(limit).deadline(Duration.ofSeconds(20)).build();
        StatefulRedisConnection<String, String> redis = client.connect()) {
      for (int i = 0; i < 50; i++) {
        redis.sync().scriptFlush();
        assertThat(limiter.tryAcquire(name, "u").source()).isEqualTo(DecisionSource.REMOTE);
      }
    }
  }

  @Test
  void a_restarted_redis_decides_again() {
    try (RateLimiter limiter = limiter(FailurePolicy.FAIL_CLOSED)) {
      awaitRemote(limiter);
      server.kill();
      assertThat(limiter.tryAcquire(name, "u").source()).isEqualTo(DecisionSource.FALLBACK);
      server.restart();
      awaitRemote(limiter);
    }
  }

  @Test
  void a_redis_that_refuses_to_write_leaves_the_decision_to_the_policy() {
    try (RateLimiter limiter = limiter(FailurePolicy.FAIL_CLOSED);
        StatefulRedisConnection<String, String> redis = client.connect()) {
      awaitRemote(limiter);
      redis.sync().replicaof("127.0.0.1", 1);
      assertThat(limiter.tryAcquire(name, "u").source())
          .as("READONLY")
          .isEqualTo(DecisionSource.FALLBACK);
      redis.sync().replicaofNoOne();
      awaitRemote(limiter);

      redis.sync().configSet("maxmemory", "1");
      assertThat(limiter.tryAcquire(name, "u").source())
          .as("OOM")
          .isEqualTo(DecisionSource.FALLBACK);
      redis.sync().configSet("maxmemory", "0");
      awaitRemote(limiter);
    }
  }

  private void awaitRemote(RateLimiter limiter) {
    await(() -> limiter.tryAcquire(name, "u").source() == DecisionSource.REMOTE);
  }

  private static void await(Supplier<Boolean> condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.get()) {
      assertThat(System.nanoTime()).as("waited too long").isLessThan(deadline);
      Thread.onSpinWait();
    }
  }
}
