package dev.escalera.ratelimit.firestore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.Firestore;
import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.FailurePolicy;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimitException;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.RateLimiterContract;
import dev.escalera.testkit.FirestoreEmulator;
import dev.escalera.testkit.WithFirestore;
import java.time.Duration;
import java.util.List;
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
      var before = document(":u").get().get().getUpdateTime();

      assertThat(limiter.tryAcquire(name, "u").allowed()).isFalse();

      assertThat(before).isNotNull();
      assertThat(document(":u").get().get().getUpdateTime()).isEqualTo(before);
    }
  }

  @Test
  void a_limit_that_is_spread_admits_what_it_would_and_no_more() throws Exception {
    try (RateLimiter limiter =
        builder(Limit.of(name, 30, Duration.ofMinutes(1)).burst(12))
            .shards(name, 3)
            .lease(Duration.ZERO)
            .clock(clock::micros)
            .denyCacheMax(Duration.ZERO)
            .build()) {
      assertThat(admitted(limiter, 40)).isEqualTo(12);
      assertThat(limiter.maintenance().peek(name, "u").remaining()).isZero();
      for (String id : List.of(":u", ":u#1", ":u#2")) {
        assertThat(document(id).get().get().exists()).as(id).isTrue();
      }

      // One token in 2 s; each document has one after 6 s.
      clock.advance(Duration.ofSeconds(7));
      assertThat(limiter.maintenance().peek(name, "u").remaining()).isEqualTo(3);
      assertThat(admitted(limiter, 10)).isEqualTo(3);

      limiter.maintenance().reset(name, "u");
      assertThat(limiter.maintenance().peek(name, "u").remaining()).isEqualTo(12);
      assertThat(limiter.tryAcquire(name, "u").limit().burst()).isEqualTo(12);
    }
  }

  @Test
  void a_limit_that_is_spread_is_leased_from_each_document() {
    Limit limit = Limit.of(name, 1, Duration.ofDays(1)).burst(120);
    try (RateLimiter one = builder(limit).shards(name, 2).denyCacheMax(Duration.ZERO).build();
        RateLimiter two = builder(limit).shards(name, 2).denyCacheMax(Duration.ZERO).build()) {
      int admitted = 0;
      for (int i = 0; i < 100; i++) {
        admitted += (int) admitted(one, 1) + (int) admitted(two, 1);
      }
      assertThat(admitted).isLessThanOrEqualTo(120).isGreaterThan(60);
      assertThat(one.stats().remoteCalls()).isLessThan(100);
    }
  }

  @Test
  void shards_of_no_limit_or_too_many_of_one_and_costs_over_a_part_are_refused() {
    Limit limit = Limit.of(name, 30, Duration.ofMinutes(1)).burst(12);
    assertThatThrownBy(() -> builder(limit).shards(name, 101))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("shards is 101, expected 1 to 100");
    assertThatThrownBy(() -> builder(limit).shards("other", 2).build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("there is no limit \"other\"");
    assertThatThrownBy(() -> builder(limit).shards(name, 13).build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "shards is 13, which is too many for " + limit + ": expected at most its burst");
    Limit odd = Limit.of(name, 7_919, Duration.ofDays(1));
    assertThatThrownBy(() -> builder(odd).shards(name, 14).build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("shards is 14, which is too many for " + odd)
        .hasMessageContaining("expected so few that one of as many times the period is a limit")
        .hasMessageContaining("exceed 2^53");
    try (RateLimiter limiter = builder(limit).shards(name, 3).build()) {
      assertThatThrownBy(() -> limiter.tryAcquire(name, "u", 5))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("cost is 5, which none of the 3 buckets of limit");
    }
  }

  @Test
  void a_plan_whose_limit_cannot_be_spread_so_far_is_refused_at_each_request() {
    Limit small = Limit.of(name, 30, Duration.ofMinutes(1)).burst(12);
    Limit odd = Limit.of(name, 7_919, Duration.ofDays(1));
    FirestoreRateLimiter.Builder builder =
        builder().limit(name, subject -> subject.equals("small") ? small : odd).shards(name, 14);
    try (RateLimiter limiter = builder.build()) {
      for (String subject : List.of("small", "odd")) {
        Limit given = subject.equals("small") ? small : odd;
        String message = "shards is 14, which is too many for " + given + ": expected ";
        assertThatThrownBy(() -> limiter.tryAcquire(name, subject))
            .isInstanceOf(RateLimitException.class)
            .hasMessageStartingWith(message);
        assertThatThrownBy(() -> limiter.maintenance().peek(name, subject))
            .isInstanceOf(RateLimitException.class)
            .hasMessageStartingWith(message);
      }
    }
  }

  private long admitted(RateLimiter limiter, int requests) {
    long admitted = 0;
    for (int i = 0; i < requests; i++) {
      admitted += limiter.tryAcquire(name, "u").allowed() ? 1 : 0;
    }
    return admitted;
  }

  private DocumentReference document(String id) {
    return firestore
        .collection(FirestoreBuckets.COLLECTION)
        .document(FirestoreBuckets.id(name + id));
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
