package dev.escalera.ratelimit.firestore;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.firestore.Firestore;
import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.FailurePolicy;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.RateLimiterContract;
import dev.escalera.testkit.FirestoreEmulator;
import dev.escalera.testkit.WithFirestore;
import java.time.Duration;
import org.junit.jupiter.api.Test;

@WithFirestore
class FirestoreRateLimiterTest extends RateLimiterContract {
  private final Firestore firestore;

  FirestoreRateLimiterTest(Firestore firestore) {
    this.firestore = firestore;
  }

  @Override
  protected RateLimiter create(Limit... limits) {
    return builder(limits).clock(clock::micros).build();
  }

  private FirestoreRateLimiter.Builder builder(Limit... limits) {
    FirestoreRateLimiter.Builder builder =
        FirestoreRateLimiter.builder(firestore).deadline(Duration.ofMinutes(1));
    for (Limit limit : limits) {
      builder.limit(limit);
    }
    return builder;
  }

  @Test
  void the_time_is_that_of_firestore() {
    try (RateLimiter limiter = builder(Limit.of(name, 1, Duration.ofDays(1))).build()) {
      assertThat(limiter.tryAcquire(name, "u").allowed()).isTrue();
      Decision denied = limiter.tryAcquire(name, "u");
      assertThat(denied.source()).isEqualTo(DecisionSource.REMOTE);
      assertThat(denied.retryAfter()).isBetween(Duration.ofHours(23), Duration.ofDays(1));
    }
  }

  @Test
  void a_denial_writes_nothing() throws Exception {
    try (RateLimiter limiter = create(Limit.of(name, 1, Duration.ofMinutes(1)))) {
      limiter.tryAcquire(name, "u");
      String path = FirestoreBuckets.COLLECTION + "/" + FirestoreBuckets.id(name, "u");
      var before = firestore.document(path).get().get().getUpdateTime();

      assertThat(limiter.tryAcquire(name, "u").allowed()).isFalse();

      assertThat(before).isNotNull();
      assertThat(firestore.document(path).get().get().getUpdateTime()).isEqualTo(before);
    }
  }

  @Test
  void an_empty_bucket_gains_by_the_new_figures_from_the_first_denial_on() {
    try (RateLimiter old = create(Limit.of(name, 1, Duration.ofDays(1)));
        RateLimiter changed = create(Limit.of(name, 1_000, Duration.ofSeconds(1)))) {
      old.tryAcquire(name, "u");
      Decision denied = changed.tryAcquire(name, "u");
      assertThat(denied.allowed()).isFalse();
      clock.advance(denied.retryAfter());
      assertThat(changed.tryAcquire(name, "u").allowed()).isTrue();
    }
  }

  @Test
  void a_changed_limit_keeps_the_share_that_is_left() {
    try (RateLimiter old = create(Limit.of(name, 10, Duration.ofMinutes(1)));
        RateLimiter changed = create(Limit.of(name, 100, Duration.ofMinutes(1)))) {
      old.tryAcquire(name, "u", 4);
      assertThat(changed.tryAcquire(name, "u").remaining()).isEqualTo(59);
    }
  }

  @Test
  void a_firestore_that_does_not_answer_leaves_the_decision_to_the_policy() {
    FirestoreEmulator emulator = FirestoreEmulator.start();
    Firestore client = emulator.openClient("lost");
    try (RateLimiter limiter =
        FirestoreRateLimiter.builder(client)
            .limit(Limit.of(name, 1, Duration.ofMinutes(1)))
            .deadline(Duration.ofMillis(500))
            .onBackendFailure(FailurePolicy.FAIL_CLOSED)
            .build()) {
      emulator.close();
      Decision refused = limiter.tryAcquire(name, "u");
      assertThat(refused.allowed()).isFalse();
      assertThat(refused.source()).isEqualTo(DecisionSource.FALLBACK);
    } finally {
      client.shutdownNow();
    }
  }
}
