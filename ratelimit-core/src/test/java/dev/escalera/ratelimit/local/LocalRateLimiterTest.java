package dev.escalera.ratelimit.local;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.Permits;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.RateLimiterContract;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class LocalRateLimiterTest extends RateLimiterContract {
  @Override
  protected RateLimiter create(Limit... limits) {
    return with(LocalRateLimiter.builder().clock(clock.process()), limits);
  }

  @Override
  protected RateLimiter createInRealTime(Limit... limits) {
    return with(LocalRateLimiter.builder(), limits);
  }

  @Override
  protected boolean isShared() {
    return false;
  }

  private static RateLimiter with(LocalRateLimiter.Builder builder, Limit... limits) {
    for (Limit limit : limits) {
      builder.limit(limit);
    }
    return builder.build();
  }

  @Test
  void a_bucket_that_must_be_full_leaves_the_table() {
    try (LocalBuckets limiter = (LocalBuckets) create(Limit.of(name, 10, Duration.ofMinutes(1)))) {
      for (int i = 0; i < 1_000; i++) {
        assertThat(limiter.tryAcquire(name, "u" + i).source()).isEqualTo(DecisionSource.LOCAL);
      }
      assertThat(limiter.subjects()).isEqualTo(1_000);
      clock.advance(Duration.ofSeconds(63));
      assertThat(limiter.subjects()).isZero();
    }
  }

  @Test
  void threads_that_contend_for_one_place_are_all_decided_on() {
    Limit limit = Limit.of(name, 10, Duration.ofMinutes(1));
    try (RateLimiter limiter = LocalRateLimiter.builder().limit(limit).maximumSubjects(1).build()) {
      List<CompletableFuture<Void>> threads = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        String subject = "u" + i;
        threads.add(
            CompletableFuture.runAsync(
                () -> {
                  for (int step = 0; step < 2_000; step++) {
                    limiter.tryAcquire(name, subject);
                  }
                }));
      }
      threads.forEach(CompletableFuture::join);
      assertThat(limiter.stats().admitted().get(DecisionSource.LOCAL))
          .isGreaterThanOrEqualTo(4 * 10);
    }
  }

  @Test
  void more_subjects_together_than_the_table_holds_are_decided_on() {
    Limit limit = Limit.of(name, 10, Duration.ofMinutes(1));
    try (RateLimiter limiter = LocalRateLimiter.builder().limit(limit).maximumSubjects(1).build()) {
      Permits three = Permits.of(name, "a").and(name, "b").and(name, "c");
      for (int i = 0; i < 10; i++) {
        assertThat(limiter.tryAcquire(three).allowed()).isTrue();
      }
    }
  }
}
