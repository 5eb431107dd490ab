package dev.escalera.ratelimit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

/** What every rate limiter does; a backend's test says how one is made. */
public abstract class RateLimiterContract {
  private static final Duration MINUTE = Duration.ofMinutes(1);

  /** Limits are shared by name in a store: names of its own keep each test apart. */
  protected final String name = "limit-" + UUID.randomUUID();

  protected final ManualClock clock = new ManualClock();

  /** Makes a limiter that takes its time from the clock of this test. */
  protected abstract RateLimiter create(Limit... limits);

  @Test
  void the_burst_is_admitted_and_no_more() {
    try (RateLimiter limiter = create(Limit.of(name, 3, MINUTE))) {
      assertThat(limiter.tryAcquire(name, "u").remaining()).isEqualTo(2);
      assertThat(limiter.tryAcquire(name, "u").remaining()).isEqualTo(1);
      assertThat(limiter.tryAcquire(name, "u").remaining()).isZero();

      Decision denied = limiter.tryAcquire(name, "u");

      assertThat(denied.allowed()).isFalse();
      assertThat(denied.limit()).isEqualTo(Limit.of(name, 3, MINUTE));
      assertThat(denied.remaining()).isZero();
      assertThat(denied.retryAfter()).isEqualTo(Duration.ofSeconds(20));
      assertThat(denied.resetAfter()).isEqualTo(MINUTE);
    }
  }

  @Test
  void tokens_come_back_evenly_and_to_the_microsecond() {
    try (RateLimiter limiter = create(Limit.of(name, 7, MINUTE).burst(2))) {
      limiter.tryAcquire(name, "u", 2);
      Decision denied = limiter.tryAcquire(name, "u");
      // 60 s / 7, rounded up.
      assertThat(denied.retryAfter()).isEqualTo(Duration.ofNanos(8_571_429_000L));

      clock.advance(denied.retryAfter());
      clock.advanceMicros(-1);
      assertThat(limiter.tryAcquire(name, "u").allowed()).isFalse();
      clock.advanceMicros(1);
      assertThat(limiter.tryAcquire(name, "u").allowed()).isTrue();
    }
  }

  @Test
  void a_denial_takes_nothing_and_a_smaller_cost_still_passes() {
    try (RateLimiter limiter = create(Limit.of(name, 10, MINUTE))) {
      assertThat(limiter.tryAcquire(name, "u", 8).allowed()).isTrue();
      assertThat(limiter.tryAcquire(name, "u", 3).allowed()).isFalse();
      assertThat(limiter.tryAcquire(name, "u", 3).retryAfter()).isEqualTo(Duration.ofSeconds(6));
      assertThat(limiter.tryAcquire(name, "u", 2).allowed()).isTrue();
    }
  }

  @Test
  void a_bucket_is_never_more_than_full() {
    try (RateLimiter limiter = create(Limit.of(name, 10, MINUTE).burst(4))) {
      limiter.tryAcquire(name, "u", 4);
      clock.advance(Duration.ofDays(400));
      assertThat(limiter.tryAcquire(name, "u").remaining()).isEqualTo(3);
    }
  }

  @Test
  void a_clock_that_goes_back_adds_nothing_and_is_followed() {
    try (RateLimiter limiter = create(Limit.of(name, 10, MINUTE))) {
      limiter.tryAcquire(name, "u", 10);
      clock.advance(Duration.ofHours(-1));
      assertThat(limiter.tryAcquire(name, "u").allowed()).isFalse();
      clock.advance(Duration.ofSeconds(6));
      assertThat(limiter.tryAcquire(name, "u").allowed()).isTrue();
      assertThat(limiter.tryAcquire(name, "u").allowed()).isFalse();
    }
  }

  @Test
  void subjects_and_limits_do_not_mix() {
    String other = name + ":x";
    try (RateLimiter limiter = create(Limit.of(name, 1, MINUTE), Limit.of(other, 1, MINUTE))) {
      assertThat(limiter.tryAcquire(name, "x:u").allowed()).isTrue();
      assertThat(limiter.tryAcquire(other, "u").allowed()).isTrue();
      assertThat(limiter.tryAcquire(name, "x:v").allowed()).isTrue();
      assertThat(limiter.tryAcquire(name, "x:u").allowed()).isFalse();
      assertThat(limiter.tryAcquire(other, "u").allowed()).isFalse();
    }
  }

  @Test
  void any_text_is_a_subject_of_its_own() {
    List<String> subjects =
        List.of(
            "{}",
            "}{",
            "a{b}c",
            "a/b",
            ".",
            "..",
            "__x__",
            "%",
            "%25",
            "\r\n",
            "\u0000",
            "\u00e9",
            "e\u0301",
            "\ud83d\ude00",
            "\ud83d",
            "\ude00",
            "?",
            " ",
            "A",
            "a",
            "\u001b[31m",
            "x".repeat(1_024),
            "\u00e9".repeat(512));
    try (RateLimiter limiter = create(Limit.of(name, 1, MINUTE))) {
      for (String subject : subjects) {
        assertThat(limiter.tryAcquire(name, subject).allowed()).as(subject).isTrue();
      }
      for (String subject : subjects) {
        assertThat(limiter.tryAcquire(name, subject).allowed()).as(subject).isFalse();
      }
    }
  }

  @Test
  void bad_requests_are_refused_and_take_nothing() {
    try (RateLimiter limiter = create(Limit.of(name, 5, MINUTE))) {
      assertRefused(
          limiter, "other", "u", 1, "there is no limit \"other\", expected one of [" + name + "]");
      assertRefused(limiter, name, "", 1, "the subject has 0 bytes in UTF-8, expected 1 to 1024");
      assertRefused(
          limiter,
          name,
          "x".repeat(1_025),
          1,
          "the subject has 1025 bytes in UTF-8, expected 1 to 1024");
      assertRefused(limiter, name, "u", 0, "cost is 0, expected at least 1");
      assertRefused(limiter, name, "u", -1, "cost is -1, expected at least 1");
      assertRefused(
          limiter,
          name,
          "u",
          6,
          "cost is 6, which limit \"" + name + "\" can never admit: its burst is 5");
      assertThat(limiter.tryAcquire(name, "u").remaining()).isEqualTo(4);
    }
  }

  @Test
  @SuppressWarnings("NullAway") // The point of the test.
  void nulls_are_refused_by_name() {
    try (RateLimiter limiter = create(Limit.of(name, 5, MINUTE))) {
      assertThatThrownBy(() -> limiter.tryAcquire(null, "u"))
          .isInstanceOf(NullPointerException.class)
          .hasMessageContaining("limit");
      assertThatThrownBy(() -> limiter.tryAcquire(name, null))
          .isInstanceOf(NullPointerException.class)
          .hasMessageContaining("subject");
    }
  }

  @Test
  void a_closed_limiter_says_so() {
    RateLimiter limiter = create(Limit.of(name, 5, MINUTE));
    limiter.close();
    limiter.close();
    assertThatThrownBy(() -> limiter.tryAcquire(name, "u"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("is closed");
  }

  @Test
  void two_limits_of_one_name_or_none_are_refused() {
    assertThatThrownBy(() -> create(Limit.of(name, 1, MINUTE), Limit.of(name, 2, MINUTE)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("limit \"" + name + "\" was given twice");
    assertThatThrownBy(this::create).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void the_asynchronous_twin_decides_alike() {
    try (RateLimiter limiter = create(Limit.of(name, 2, MINUTE))) {
      assertThat(limiter.tryAcquireAsync(name, "u").toCompletableFuture().join().remaining())
          .isEqualTo(1);
      assertThat(limiter.tryAcquireAsync(name, "u", 2).toCompletableFuture().join().allowed())
          .isFalse();
    }
  }

  @Test
  void many_threads_get_the_burst_and_no_more() throws Exception {
    int threads = 16;
    try (RateLimiter limiter = create(Limit.of(name, 20, MINUTE))) {
      ExecutorService pool = Executors.newFixedThreadPool(threads);
      try {
        List<Future<Long>> admitted = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
          admitted.add(pool.submit(() -> admittedOf(limiter, 3)));
        }
        long all = 0;
        for (Future<Long> each : admitted) {
          all += each.get();
        }
        assertThat(all).isEqualTo(20);
      } finally {
        pool.shutdownNow();
      }
    }
  }

  /** One arithmetic: what the reference says, everything says. */
  @Test
  void random_histories_are_decided_as_the_reference_decides_them() {
    long seed = Long.getLong("escalera.seed", 20261124L);
    Random random = new Random(seed);
    for (int round = 0; round < 8; round++) {
      Limit limit = randomLimit(random, name + "-" + round);
      ReferenceBucket reference = new ReferenceBucket(limit, clock.micros().getAsLong());
      try (RateLimiter limiter = create(limit)) {
        for (int step = 0; step < 25; step++) {
          clock.advanceMicros(randomStep(random, limit));
          long cost =
              1 + random.nextLong(Math.min(limit.burst(), 1 + random.nextLong(limit.burst())));
          Decision decision = limiter.tryAcquire(limit.name(), "u", cost);
          assertThat(
                  List.of(decision.allowed(), decision.remaining(), micros(decision.retryAfter())))
              .as("seed %d, round %d, step %d, %s, cost %d", seed, round, step, limit, cost)
              .isEqualTo(reference.decide(cost, clock.micros().getAsLong()));
        }
      }
    }
  }

  @Test
  void the_edge_of_exact_numbers_is_decided_as_the_reference_decides_it() {
    // 2^53 / (36,500 days in µs) tokens: every product is just below 2^53.
    Duration period = Duration.ofDays(36_500);
    long micros = period.toNanos() / 1_000;
    long most = ((1L << 53) - micros) / micros;
    List<Limit> edges =
        List.of(
            Limit.of(name + "-long", most, period),
            Limit.of(name + "-fast", 94_906_265L, Duration.ofNanos(94_906_265_000L)),
            Limit.of(name + "-odd", 999_983L, Duration.ofNanos(8_999_999_999_000L)));
    for (Limit limit : edges) {
      ReferenceBucket reference = new ReferenceBucket(limit, clock.micros().getAsLong());
      try (RateLimiter limiter = create(limit)) {
        for (long step : new long[] {0, 1, 999, micros(limit.period()) - 1, 1, 7}) {
          clock.advanceMicros(step);
          for (long cost : new long[] {limit.burst(), 1}) {
            Decision decision = limiter.tryAcquire(limit.name(), "u", cost);
            assertThat(
                    List.of(
                        decision.allowed(), decision.remaining(), micros(decision.retryAfter())))
                .as("%s after %d µs, cost %d", limit, step, cost)
                .isEqualTo(reference.decide(cost, clock.micros().getAsLong()));
          }
        }
      }
    }
  }

  @Test
  void a_limit_beyond_2_to_the_53_is_scaled_and_decided_alike() {
    Limit limit = Limit.of(name, 1_000_000, Duration.ofDays(1));
    ReferenceBucket reference = new ReferenceBucket(limit, clock.micros().getAsLong());
    try (RateLimiter limiter = create(limit)) {
      for (long step : new long[] {0, 86_399, 1, 86_400_000, 12_345_678, 1}) {
        clock.advanceMicros(step);
        for (long cost : new long[] {1_000_000, 140, 1}) {
          Decision decision = limiter.tryAcquire(name, "u", cost);
          assertThat(
                  List.of(decision.allowed(), decision.remaining(), micros(decision.retryAfter())))
              .as("after %d µs, cost %d", step, cost)
              .isEqualTo(reference.decide(cost, clock.micros().getAsLong()));
          assertThat(decision.limit()).isEqualTo(limit);
        }
      }
    }
  }

  @Test
  void a_step_forward_adds_what_its_time_adds_and_a_step_back_nothing() {
    try (RateLimiter limiter = create(Limit.of(name, 10, MINUTE))) {
      assertThat(limiter.tryAcquire(name, "u", 10).allowed()).isTrue();
      clock.advance(Duration.ofSeconds(12));
      assertThat(limiter.tryAcquire(name, "u", 2).remaining()).isZero();
      clock.advance(Duration.ofHours(-1));
      assertThat(limiter.tryAcquire(name, "u").allowed()).isFalse();
      clock.advance(Duration.ofHours(1));
      assertThat(limiter.tryAcquire(name, "u", 10).remaining()).isZero();
    }
  }

  @Test
  void a_composite_takes_from_all_or_from_none() {
    String other = name + "-other";
    long seed = Long.getLong("escalera.seed", 20261124L);
    Random random = new Random(seed);
    Limit first = Limit.of(name, 20, MINUTE);
    Limit second = Limit.of(other, 12, MINUTE).burst(7);
    ReferenceBucket one = new ReferenceBucket(first, clock.micros().getAsLong());
    ReferenceBucket two = new ReferenceBucket(second, clock.micros().getAsLong());
    try (RateLimiter limiter = create(first, second)) {
      for (int step = 0; step < 60; step++) {
        clock.advanceMicros(random.nextLong(8_000_000));
        long now = clock.micros().getAsLong();
        long cost = 1L + random.nextInt(4);
        boolean allowed = one.holds(now) >= cost && two.holds(now) >= cost;
        Decision decision = limiter.tryAcquire(Permits.of(name, "u").and(other, "u").cost(cost));
        if (allowed) {
          one.decide(cost, now);
          two.decide(cost, now);
        }
        assertThat(decision.allowed()).as("seed %d, step %d", seed, step).isEqualTo(allowed);
        assertThat(limiter.maintenance().peek(name, "u").remaining()).isEqualTo(one.holds(now));
        assertThat(limiter.maintenance().peek(other, "u").remaining()).isEqualTo(two.holds(now));
        assertThat(decision.remaining()).isIn(one.holds(now), two.holds(now));
      }
    }
  }

  @Test
  void a_changed_limit_keeps_the_share_that_is_left_and_older_nodes_obey_it() {
    Limit before = Limit.of(name, 10, MINUTE);
    Limit after = Limit.of(name, 100, MINUTE).revision(1);
    assumeThat(isShared()).isTrue();
    try (RateLimiter old = create(before)) {
      old.tryAcquire(name, "u", 4);
      try (RateLimiter changed = create(after)) {
        Decision first = changed.tryAcquire(name, "u");
        assertThat(first.remaining()).isEqualTo(59);
        assertThat(first.limit()).isEqualTo(after);
      }
      Decision obeying = old.tryAcquire(name, "u");
      assertThat(obeying.remaining()).isEqualTo(58);
      assertThat(obeying.limit()).isEqualTo(after);
    }
  }

  @Test
  void of_one_revision_the_stricter_figures_hold_for_all() {
    assumeThat(isShared()).isTrue();
    try (RateLimiter wide = create(Limit.of(name, 10, MINUTE).burst(20))) {
      wide.tryAcquire(name, "u", 4);
      try (RateLimiter fast = create(Limit.of(name, 60, MINUTE).burst(10))) {
        Decision decision = fast.tryAcquire(name, "u");
        assertThat(decision.limit()).isEqualTo(Limit.of(name, 10, MINUTE).burst(10));
        assertThat(decision.remaining()).isEqualTo(7);
        assertThat(wide.tryAcquire(name, "u").limit().burst()).isEqualTo(10);

        clock.advance(MINUTE);
        Decision hopeless = wide.tryAcquire(name, "u", 20);
        assertThat(hopeless.allowed()).isFalse();
        assertThat(hopeless.retryAfter()).as("of a full bucket").isEqualTo(Duration.ofSeconds(1));
      }
    }
  }

  @Test
  void an_empty_bucket_gains_by_the_new_figures_from_the_first_denial_on() {
    assumeThat(isShared()).isTrue();
    try (RateLimiter old = create(Limit.of(name, 1, Duration.ofDays(1)))) {
      old.tryAcquire(name, "u");
      try (RateLimiter changed = create(Limit.of(name, 1_000, Duration.ofSeconds(1)).revision(1))) {
        Decision denied = changed.tryAcquire(name, "u");
        assertThat(denied.allowed()).isFalse();
        clock.advance(denied.retryAfter());
        assertThat(changed.tryAcquire(name, "u").allowed()).isTrue();
      }
    }
  }

  @Test
  void peek_takes_nothing_and_reset_fills() {
    try (RateLimiter limiter = create(Limit.of(name, 5, MINUTE))) {
      assertThat(limiter.maintenance().peek(name, "u").remaining()).isEqualTo(5);
      limiter.tryAcquire(name, "u", 5);
      assertThat(limiter.tryAcquire(name, "u").allowed()).isFalse();
      Decision seen = limiter.maintenance().peek(name, "u");
      assertThat(seen.allowed()).isFalse();
      assertThat(seen.retryAfter()).isEqualTo(Duration.ofSeconds(12));

      limiter.maintenance().reset(name, "u");

      assertThat(limiter.tryAcquire(name, "u").remaining()).isEqualTo(4);
      assertThat(limiter.stats().admitted().values().stream().mapToLong(n -> n).sum()).isEqualTo(2);
    }
  }

  @Test
  void those_who_wait_are_served_when_the_tokens_are_there() {
    Limit limit = Limit.of(name, 50, Duration.ofSeconds(1)).burst(1);
    try (RateLimiter limiter = createInRealTime(limit)) {
      limiter.tryAcquire(name, "u");
      long before = System.nanoTime();
      for (int i = 0; i < 5; i++) {
        assertThat(limiter.acquire(name, "u", Duration.ofSeconds(20)).allowed()).isTrue();
      }
      assertThat(System.nanoTime() - before)
          .isGreaterThanOrEqualTo(Duration.ofMillis(4 * 20).toNanos());
    }
  }

  @Test
  void those_who_wait_are_served_in_order() {
    Limit limit = Limit.of(name, 10, Duration.ofSeconds(1)).burst(2);
    try (RateLimiter limiter = createInRealTime(limit)) {
      limiter.tryAcquire(name, "u", 2);
      List<Integer> order = Collections.synchronizedList(new ArrayList<>());
      List<CompletableFuture<Void>> all = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        int number = i;
        Permits permits = Permits.of(name, "u").cost(2 - i % 2);
        all.add(
            limiter
                .acquireAsync(permits, Duration.ofSeconds(30))
                .thenAccept(
                    decision -> {
                      assertThat(decision.allowed()).isTrue();
                      order.add(number);
                    })
                .toCompletableFuture());
        if (i == 0) {
          // The first makes the line; the others find it.
          await(() -> limiter.stats().denied().values().stream().mapToLong(n -> n).sum() > 0);
        }
      }
      all.forEach(CompletableFuture::join);
      assertThat(order).isSorted().hasSize(8);
    }
  }

  @Test
  void who_would_wait_too_long_is_told_at_once() {
    try (RateLimiter limiter = create(Limit.of(name, 1, MINUTE))) {
      limiter.tryAcquire(name, "u");
      assertThat(limiter.acquire(name, "u", Duration.ofSeconds(59)).allowed()).isFalse();
      assertThat(limiter.acquire(name, "u", Duration.ZERO).allowed()).isFalse();
      assertThatThrownBy(() -> limiter.acquire(name, "u", Duration.ofNanos(-1)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("maxWait is PT-0.000000001S, expected 0 to 1 day");
    }
  }

  @Test
  void two_equal_buckets_too_many_or_none_are_refused() {
    assertThatThrownBy(() -> Permits.of("a", "u").and("a", "u"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("one subject of limit \"a\" is given twice");
    assertThatThrownBy(() -> new Permits(List.of(), 1))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /** Makes a limiter on the clock of the store. */
  protected abstract RateLimiter createInRealTime(Limit... limits);

  /** Whether another limiter sees the same buckets. */
  protected boolean isShared() {
    return true;
  }

  protected static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited too long").isLessThan(deadline);
      Thread.onSpinWait();
    }
  }

  private long admittedOf(RateLimiter limiter, int requests) {
    long admitted = 0;
    for (int i = 0; i < requests; i++) {
      admitted += limiter.tryAcquire(name, "u").allowed() ? 1 : 0;
    }
    return admitted;
  }

  private static Limit randomLimit(Random random, String name) {
    long capacity = 1L + random.nextInt(random.nextBoolean() ? 10 : 1_000);
    long micros = capacity * (1L + random.nextInt(100_000)) + random.nextInt(1_000);
    return Limit.of(name, capacity, Duration.ofNanos(micros * 1_000))
        .burst(1L + random.nextInt(20));
  }

  private static long randomStep(Random random, Limit limit) {
    long token = Math.max(1, micros(limit.period()) / limit.capacity());
    return switch (random.nextInt(5)) {
      case 0 -> 0;
      case 1 -> random.nextLong(token) + 1;
      case 2 -> random.nextLong(3 * token) + 1;
      case 3 -> random.nextLong(token * limit.burst()) + 1;
      default -> 1;
    };
  }

  private static void assertRefused(
      RateLimiter limiter, String limit, String subject, long cost, String message) {
    assertThatThrownBy(() -> limiter.tryAcquire(limit, subject, cost))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
    assertThatThrownBy(() -> limiter.tryAcquireAsync(limit, subject, cost))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  private static long micros(Duration duration) {
    return duration.toNanos() / 1_000;
  }
}
