package dev.escalera.ratelimit.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** That nothing is left of subjects that are idle; {@code -Descalera.subjects=1000000} for many. */
@WithRedis
class IdleSubjectsTest {
  private static final int SUBJECTS = Integer.getInteger("escalera.subjects", 10_000);
  private static final int IN_FLIGHT = 256;

  /** How long a bucket takes to be full: long enough for all to be there at once. */
  private static final Duration FULL = Duration.ofSeconds(4 + SUBJECTS / 4_000);

  @Test
  void what_is_idle_until_it_is_full_is_gone(RedisClient client) throws Exception {
    try (StatefulRedisConnection<String, String> redis = client.connect();
        RateLimiter limiter =
            RedisRateLimiter.builder(client)
                .limit(Limit.of("idle", 1, FULL))
                .deadline(Duration.ofSeconds(30))
                .build()) {
      Semaphore room = new Semaphore(IN_FLIGHT);
      AtomicLong byRedis = new AtomicLong();
      for (int i = 0; i < SUBJECTS; i++) {
        room.acquire();
        limiter
            .tryAcquireAsync("idle", "user-" + i)
            .whenComplete(
                (decision, failure) -> {
                  if (failure == null && decision.source() == DecisionSource.REMOTE) {
                    byRedis.incrementAndGet();
                  }
                  room.release();
                });
      }
      room.acquire(IN_FLIGHT);
      assertThat(byRedis.get()).isEqualTo(SUBJECTS);
      assertThat(redis.sync().dbsize()).as("buckets").isGreaterThan(SUBJECTS / 2L);

      long deadline = System.nanoTime() + FULL.plusSeconds(60).toNanos();
      while (redis.sync().dbsize() > 0) {
        assertThat(System.nanoTime()).as("buckets are left").isLessThan(deadline);
        Thread.sleep(50);
      }
    }
  }
}
