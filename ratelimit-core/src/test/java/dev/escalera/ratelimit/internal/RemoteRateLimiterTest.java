package dev.escalera.ratelimit.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.FailurePolicy;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.ManualClock;
import dev.escalera.ratelimit.Permits;
import dev.escalera.ratelimit.RateLimitException;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.RateLimiterOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** That no one is left waiting, whatever the store answers. */
class RemoteRateLimiterTest {
  private static final int NODES = 14;

  /** The share of one of so many nodes has figures that no limit can have. */
  private final Limit limit = Limit.of("a", 7_919, Duration.ofDays(1));

  private final ManualClock clock = new ManualClock();
  private final Scripted store = new Scripted();

  /** A store that answers what the test wants, and when. */
  private static final class Scripted implements Store {
    private volatile CompletableFuture<Reply> answer =
        CompletableFuture.failedFuture(new NotSentException("down", null));

    @Override
    public CompletionStage<Reply> take(Batch batch, long timeoutNanos) {
      return answer;
    }

    @Override
    public CompletionStage<?> reset(Target target, long timeoutNanos) {
      return answer;
    }

    @Override
    public boolean isAvailable() {
      return true;
    }

    @Override
    public int nodes() {
      return NODES;
    }

    @Override
    public void close() {}
  }

  private RateLimiter limiter(FailurePolicy policy) {
    RateLimiterOptions options =
        new RateLimiterOptions(
            "test",
            List.of(limit),
            Map.of(),
            policy,
            Duration.ofMinutes(1),
            Duration.ZERO,
            Optional.empty());
    return new RemoteRateLimiter(options, store, new Limits(options), clock.process());
  }

  private Store.Reply reply(Figures figures) {
    return new Store.Reply(List.of(new TokenBucket(5, 0, 0, figures)), 0, 0);
  }

  private static <T> T inTime(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(20, TimeUnit.SECONDS).join();
  }

  @Test
  void a_share_whose_figures_are_no_limit_decides_for_all_who_ask() {
    try (RateLimiter limiter = limiter(FailurePolicy.LOCAL_FALLBACK)) {
      Duration wait = Duration.ofMinutes(1);
      List<CompletionStage<Decision>> asked =
          List.of(
              CompletableFuture.supplyAsync(() -> limiter.tryAcquire("a", "u")),
              CompletableFuture.supplyAsync(() -> limiter.acquire("a", "u", wait)),
              limiter.tryAcquireAsync("a", "u"),
              limiter.acquireAsync(Permits.of("a", "u"), wait));
      assertThat(asked)
          .extracting(RemoteRateLimiterTest::inTime)
          .allSatisfy(
              decision -> {
                assertThat(decision.allowed()).isTrue();
                assertThat(decision.source()).isEqualTo(DecisionSource.FALLBACK);
                assertThat(decision.limit()).isEqualTo(limit);
              });
    }
  }

  @Test
  void who_waits_for_more_than_a_share_can_hold_asks_once_a_second() {
    try (RateLimiter limiter = limiter(FailurePolicy.LOCAL_FALLBACK)) {
      Permits permits = Permits.of("a", "u").cost(limit.burst());
      Decision denied = inTime(limiter.acquireAsync(permits, Duration.ofMillis(999)));
      assertThat(denied.allowed()).isFalse();
      assertThat(limiter.stats().denied()).containsEntry(DecisionSource.FALLBACK, 1L);
    }
  }

  @Test
  void an_answer_that_no_decision_can_be_made_of_fails_those_who_wait_and_no_one_later() {
    Figures none = new Figures(7_919, TimeUnit.DAYS.toMicros(NODES), 10, 0, 1);
    try (RateLimiter limiter = limiter(FailurePolicy.FAIL_CLOSED)) {
      // The disagreement is logged at the first time only.
      for (int round = 0; round < 2; round++) {
        store.answer = new CompletableFuture<>();
        List<CompletionStage<Decision>> waiting = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
          waiting.add(limiter.tryAcquireAsync("a", "u"));
        }
        store.answer.complete(reply(none));
        assertThat(waiting)
            .allSatisfy(
                each ->
                    assertThatThrownBy(() -> inTime(each))
                        .cause()
                        .isInstanceOf(RateLimitException.class)
                        .hasMessage("cannot decide \"a\" for \"u\""));
        CompletionStage<Decision> blocking =
            CompletableFuture.supplyAsync(() -> limiter.tryAcquire("a", "u"));
        assertThatThrownBy(() -> inTime(blocking))
            .cause()
            .isInstanceOf(RateLimitException.class)
            .hasMessage("cannot decide \"a\" for \"u\"");
      }
      store.answer = CompletableFuture.completedFuture(reply(Figures.of(limit)));
      assertThat(limiter.tryAcquire("a", "u").source()).isEqualTo(DecisionSource.REMOTE);
    }
  }
}
