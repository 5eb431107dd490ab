package dev.escalera.ratelimit.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.Permits;
import dev.escalera.ratelimit.RateLimitException;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import java.time.Duration;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Each bad request is refused at once, and no key is written. */
@WithRedis
class BadInputTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final RedisClient client;

  BadInputTest(RedisClient client) {
    this.client = client;
  }

  @Test
  void what_is_refused_writes_no_key() {
    try (StatefulRedisConnection<String, String> redis = client.connect();
        RateLimiter limiter =
            RedisRateLimiter.builder(client)
                .limit(Limit.of("a", 5, MINUTE))
                .limit(
                    "planned",
                    subject -> {
                      if (subject.equals("other")) {
                        return Limit.of("a", 5, MINUTE);
                      }
                      throw new IllegalStateException("no plan");
                    })
                .deadline(Duration.ofSeconds(20))
                .build()) {
      refused(() -> limiter.tryAcquire("none", "u"), "there is no limit \"none\"");
      refused(() -> limiter.tryAcquire("a\r\n", "u"), "there is no limit \"a%0D%0A\"");
      refused(() -> limiter.tryAcquire("a", "u", 0), "cost is 0, expected at least 1");
      refused(() -> limiter.tryAcquire("a", "u", -7), "cost is -7, expected at least 1");
      refused(
          () -> limiter.tryAcquire("a", "u", Long.MIN_VALUE),
          "cost is -9223372036854775808, expected at least 1");
      refused(
          () -> limiter.tryAcquire("a", "u", 6),
          "cost is 6, which limit \"a\" can never admit: its burst is 5");
      refused(
          () -> limiter.acquire(Permits.of("a", "u").cost(6), MINUTE),
          "cost is 6, which limit \"a\" can never admit: its burst is 5");
      refused(() -> limiter.tryAcquire("a", ""), "the subject has 0 bytes in UTF-8");
      refused(() -> limiter.tryAcquire("a", "x".repeat(1 << 20)), "the subject has 1048576 bytes");
      refused(() -> limiter.tryAcquire("a", "\u20ac".repeat(342)), "the subject has 1026 bytes");
      refused(
          () -> limiter.tryAcquire(Permits.of("a", "u").and("none", "u")),
          "there is no limit \"none\"");
      refused(
          () -> limiter.tryAcquireAsync(Permits.of("a", "u").and("a", "")),
          "the subject has 0 bytes in UTF-8");
      refused(() -> limiter.maintenance().peek("none", "u"), "there is no limit \"none\"");
      refused(() -> limiter.maintenance().reset("a", ""), "the subject has 0 bytes in UTF-8");
      assertThatThrownBy(() -> limiter.tryAcquire("planned", "u\n"))
          .isInstanceOf(RateLimitException.class)
          .hasMessage("the plan failed to give limit \"planned\" for \"u%0A\"")
          .hasRootCauseMessage("no plan");
      assertThatThrownBy(() -> limiter.tryAcquire("planned", "other"))
          .isInstanceOf(RateLimitException.class)
          .hasMessageContaining("expected one of that name");

      assertThat(redis.sync().keys("*")).isEmpty();
      assertThat(limiter.stats().remoteCalls()).isZero();
    }
  }

  @Test
  void hostile_subjects_are_data() {
    List<String> hostile =
        List.of("{}", "}{", "a\r\nDEL x", "{user-7}:metrics", "*", "\u0000", "\ud800", "%7B%7D");
    try (StatefulRedisConnection<String, String> redis = client.connect();
        RateLimiter limiter =
            RedisRateLimiter.builder(client)
                .limit(Limit.of("metrics", 1, MINUTE))
                .deadline(Duration.ofSeconds(20))
                .build()) {
      redis.sync().flushall();
      for (String subject : hostile) {
        assertThat(limiter.tryAcquire("metrics", subject).allowed()).isTrue();
      }
      assertThat(redis.sync().keys("*"))
          .hasSize(hostile.size())
          .allSatisfy(
              key ->
                  assertThat(key)
                      .matches("escalera:ratelimit:\\{[-._~@+=,!$'()*;A-Za-z0-9%]+}:metrics"));
    }
  }

  @Test
  void options_out_of_range_are_refused_at_once() {
    RedisRateLimiter.Builder builder = RedisRateLimiter.builder(client);
    refused(() -> builder.deadline(Duration.ZERO), "deadline is PT0S, expected PT0.001S to PT1M");
    refused(
        () -> builder.denyCacheMax(Duration.ofSeconds(61)),
        "denyCacheMax is PT1M1S, expected PT0S to PT1M");
    refused(() -> builder.name(" "), "name is \" \", expected some text");
    refused(() -> builder.limit("\n", subject -> Limit.of("a", 1, MINUTE)), "name is \"?\"");
    assertThatThrownBy(builder::build)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("no limit was given, expected at least one");
    builder.limit(Limit.of("a", 1, MINUTE)).limit("a", subject -> Limit.of("a", 2, MINUTE));
    assertThatThrownBy(builder::build)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("limit \"a\" was given twice");
    RedisRateLimiter.Builder twice =
        RedisRateLimiter.builder(client)
            .limit("b", subject -> Limit.of("b", 1, MINUTE))
            .limit("b", subject -> Limit.of("b", 2, MINUTE));
    assertThatThrownBy(twice::build)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("limit \"b\" was given twice");
  }

  private static void refused(ThrowingCallable call, String message) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }
}
