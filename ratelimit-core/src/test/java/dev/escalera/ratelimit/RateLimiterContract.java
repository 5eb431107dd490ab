package dev.escalera.ratelimit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
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
            new Limit(name + "-long", most, period, most),
            Limit.of(name + "-fast", 94_906_265L, Duration.ofNanos(94_906_265_000L)),
            new Limit(name + "-odd", 999_983L, Duration.ofNanos(8_999_999_999_000L), 999_983L));
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
    return new Limit(name, capacity, Duration.ofNanos(micros * 1_000), 1L + random.nextInt(20));
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
