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
    return builder(limits)
        .lease(Duration.ZERO)
        .clock(clock::micros)
        .denyCacheMax(Duration.ZERO)
        .build();
  }

  @Override
  protected RateLimiter createInRealTime(Limit... limits) {
    return builder(limits).lease(Duration.ZERO).build();
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
