package dev.escalera.ratelimit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.ratelimit.redis.RedisRateLimiter;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

/** That the meters tell what was done, and the same as the stats. */
@WithRedis
class MetersTest {
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

  private double decisions(String limit, String outcome, DecisionSource source) {
    return registry
        .get("escalera.ratelimit.decisions")
        .tags("name", "gate", "limit", limit, "outcome", outcome)
        .tag("source", source.name().toLowerCase(Locale.ROOT))
        .functionCounter()
        .count();
  }

  private double counter(String name) {
    return registry.get("escalera.ratelimit." + name).tag("name", "gate").functionCounter().count();
  }

  private double gauge(String name) {
    return registry.get("escalera.ratelimit." + name).tag("name", "gate").gauge().value();
  }

  @Test
  void meters_and_stats_count_each_decision_by_limit_outcome_and_source(
      RedisServer server, RedisClient client) {
    RateLimiter limiter =
        RedisRateLimiter.builder(client)
            .limit(Limit.of("a", 3, Duration.ofDays(1)))
            .limit(Limit.of("b", 1_000, Duration.ofDays(1)))
            .name("gate")
            .meters(registry)
            .deadline(Duration.ofSeconds(20))
            .onBackendFailure(FailurePolicy.FAIL_CLOSED)
            .build();
    for (int i = 0; i < 6; i++) {
      limiter.tryAcquire("a", "u");
    }
    assertThat(decisions("a", "admitted", DecisionSource.REMOTE)).isEqualTo(3);
    assertThat(decisions("a", "denied", DecisionSource.REMOTE)).isEqualTo(1);
    assertThat(decisions("a", "denied", DecisionSource.DENY_CACHE)).isEqualTo(2);
    assertThat(counter("remote.calls")).isEqualTo(4);

    // While Redis stands still the first is in flight, and the others wait for its end.
    server.pause();
    List<CompletionStage<Decision>> waiting = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      waiting.add(limiter.tryAcquireAsync("b", "u"));
    }
    server.resume();
    waiting.forEach(each -> assertThat(each.toCompletableFuture().join().allowed()).isTrue());
    assertThat(decisions("b", "admitted", DecisionSource.REMOTE)).isEqualTo(1);
    assertThat(decisions("b", "admitted", DecisionSource.MERGED)).isEqualTo(39);
    assertThat(counter("remote.calls")).isEqualTo(4 + 2);
    assertThat(counter("remote.decisions")).isEqualTo(4 + 40);
    assertThat(gauge("breaker.open")).isZero();
    assertThat(gauge("nodes")).isEqualTo(1);

    RateLimiterStats stats = limiter.stats();
    assertThat(stats.admitted())
        .containsEntry(DecisionSource.REMOTE, 4L)
        .containsEntry(DecisionSource.MERGED, 39L);
    assertThat(stats.denied())
        .containsEntry(DecisionSource.REMOTE, 1L)
        .containsEntry(DecisionSource.DENY_CACHE, 2L);
    assertThat(stats.remoteCalls()).isEqualTo(6);
    assertThat(stats.remoteDecisions()).isEqualTo(44);

    limiter.close();
    assertThat(registry.getMeters()).isEmpty();
  }

  @Test
  void no_tag_is_a_subject_and_all_names_have_the_prefix(RedisClient client) {
    try (RateLimiter limiter =
        RedisRateLimiter.builder(client)
            .limit(Limit.of("a", 3, Duration.ofDays(1)))
            .meters(registry)
            .build()) {
      limiter.tryAcquire("a", "user-7");
      assertThat(registry.getMeters())
          .isNotEmpty()
          .extracting(Meter::getId)
          .allSatisfy(
              id -> {
                assertThat(id.getName()).startsWith("escalera.ratelimit.");
                assertThat(id.getTags().toString()).doesNotContain("user-7");
              });
    }
  }
}
