package dev.escalera.ratelimit.local;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.IntervalOracle;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.Permits;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.RateLimiterContract;
import dev.escalera.ratelimit.internal.Figures;
import dev.escalera.ratelimit.internal.ProcessClock;
import dev.escalera.ratelimit.internal.Target;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class LocalRateLimiterTest extends RateLimiterContract {
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final String other = name + "-other";
  private final Limit limit = Limit.of(name, 10, MINUTE);
  private final Limit otherLimit = Limit.of(other, 10, MINUTE);
  private final AtomicReference<Runnable> meanwhile = new AtomicReference<>(() -> {});

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
    try (LocalBuckets limiter = (LocalBuckets) create(limit)) {
      for (int i = 0; i < 1_000; i++) {
        assertThat(limiter.tryAcquire(name, "u" + i).source()).isEqualTo(DecisionSource.LOCAL);
      }
      clock.advance(Duration.ofSeconds(6).minusNanos(1_000));
      limiter.sweep();
      assertThat(limiter.size()).isEqualTo(1_000);
      clock.advanceMicros(1);
      limiter.sweep();
      assertThat(limiter.size()).isZero();
    }
  }

  @Test
  void a_decision_has_the_full_buckets_of_its_limits_swept_out() {
    assertSwept(subject -> Permits.of(name, subject));
    assertSwept(subject -> Permits.of(name, subject).and(other, subject));
  }

  private void assertSwept(Function<String, Permits> asked) {
    try (LocalBuckets limiter = (LocalBuckets) create(limit, otherLimit)) {
      for (int i = 0; i < 1_000; i++) {
        limiter.tryAcquire(asked.apply("u" + i));
      }
      clock.advance(MINUTE);
      Permits last = asked.apply("last");
      limiter.tryAcquire(last);
      await(() -> limiter.size() == last.buckets().size());
    }
  }

  @Test
  void a_bucket_that_is_given_up_while_a_decision_has_it_is_not_decided_on() {
    try (LocalBuckets limiter = overtaken()) {
      limiter.tryAcquire(name, "u");
      clock.advance(MINUTE);
      meanwhile.set(() -> startAnew(limiter));
      assertThat(limiter.tryAcquire(name, "u").allowed()).isFalse();

      clock.advance(MINUTE);
      // The time is looked at for the other bucket, which is new, when this one is found already.
      meanwhile.set(() -> startAnew(limiter));
      assertThat(limiter.tryAcquire(Permits.of(name, "u").and(other, "u")).allowed()).isFalse();
    }
  }

  /** Has the bucket removed, and empties the one that follows it. */
  private void startAnew(LocalBuckets limiter) {
    limiter.sweep();
    assertThat(limiter.size()).isZero();
    assertThat(limiter.tryAcquire(name, "u", 10).allowed()).isTrue();
  }

  @Test
  void a_decision_does_not_wait_until_a_bucket_that_was_given_up_is_removed() {
    Target target = new Target(new Target.Key(name, "u"), limit, Figures.of(limit));
    try (LocalBuckets limiter = (LocalBuckets) create(limit, otherLimit)) {
      for (Permits permits :
          List.of(Permits.of(name, "u"), Permits.of(name, "u").and(other, "u"))) {
        limiter.table(target).of("u", target.figures()).retire();
        Decision decision =
            CompletableFuture.supplyAsync(() -> limiter.tryAcquire(permits))
                .orTimeout(20, TimeUnit.SECONDS)
                .join();
        assertThat(decision.remaining()).isEqualTo(9);
      }
    }
  }

  @Test
  void a_decision_that_was_overtaken_does_not_set_the_time_back() {
    try (LocalBuckets limiter = overtaken()) {
      limiter.tryAcquire(name, "u", 10);
      meanwhile.set(
          () -> {
            clock.advance(Duration.ofSeconds(6));
            assertThat(limiter.tryAcquire(name, "u").allowed()).isTrue();
          });
      assertThat(limiter.tryAcquire(name, "u").allowed()).isFalse();
      assertThat(limiter.tryAcquire(name, "u").allowed()).as("the same 6 s again").isFalse();
    }
  }

  /** Runs what is to happen {@link #meanwhile} once, between a look at the clock and its use. */
  private LocalBuckets overtaken() {
    ProcessClock slow =
        new ProcessClock(
            () -> {
              long time = clock.nanos();
              meanwhile.getAndSet(() -> {}).run();
              return time;
            },
            Instant.EPOCH);
    return (LocalBuckets) with(LocalRateLimiter.builder().clock(slow), limit, otherLimit);
  }

  @Test
  void a_plan_that_changes_keeps_the_share_that_is_left() {
    AtomicReference<Limit> plan = new AtomicReference<>(limit);
    try (RateLimiter limiter = planned(plan)) {
      assertThat(limiter.tryAcquire(name, "u", 4).remaining()).isEqualTo(6);
      Limit larger = Limit.of(name, 100, MINUTE).revision(1);
      plan.set(larger);
      Decision first = limiter.tryAcquire(name, "u");
      assertThat(first.remaining()).isEqualTo(59);
      assertThat(first.limit()).isEqualTo(larger);

      plan.set(limit);
      assertThat(limiter.tryAcquire(name, "u").remaining()).isEqualTo(58);
      assertThat(limiter.maintenance().peek(name, "u").limit()).isEqualTo(larger);
    }
  }

  @Test
  void a_plan_that_grows_without_a_higher_revision_leaves_the_stricter_figures_in_force() {
    AtomicReference<Limit> plan = new AtomicReference<>(limit);
    try (RateLimiter limiter = planned(plan)) {
      limiter.tryAcquire(name, "u");
      clock.advance(MINUTE);
      plan.set(Limit.of(name, 100, MINUTE));
      Decision denied = limiter.tryAcquire(name, "u", 50);
      assertThat(denied.allowed()).isFalse();
      assertThat(denied.limit()).isEqualTo(limit);
      assertThat(denied.retryAfter()).as("of a full bucket").isEqualTo(Duration.ofSeconds(1));
    }
  }

  private RateLimiter planned(AtomicReference<Limit> plan) {
    return LocalRateLimiter.builder()
        .clock(clock.process())
        .limit(name, subject -> plan.get())
        .build();
  }

  @Test
  void threads_and_sweeps_together_admit_no_more_than_the_bound() {
    Limit one = Limit.of(name, 1_000, Duration.ofSeconds(1)).burst(3);
    Limit two = Limit.of(other, 800, Duration.ofSeconds(1)).burst(2);
    Map<String, Queue<Long>> grants =
        Map.of(name, new ConcurrentLinkedQueue<>(), other, new ConcurrentLinkedQueue<>());
    long seed = Long.getLong("escalera.seed", 20261129L);
    try (LocalBuckets limiter = (LocalBuckets) create(one, two)) {
      List<CompletableFuture<Void>> threads = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        Random random = new Random(seed + i);
        threads.add(CompletableFuture.runAsync(() -> hammer(limiter, random, grants)));
      }
      threads.forEach(CompletableFuture::join);
    }
    for (Limit each : List.of(one, two)) {
      Queue<Long> times = Objects.requireNonNull(grants.get(each.name()));
      assertThat(times).hasSizeGreaterThan(1_000);
      assertThat(IntervalOracle.worstExcess(each, times.stream().mapToLong(time -> time).toArray()))
          .as("seed %d, %s", seed, each)
          .isLessThanOrEqualTo(0);
    }
  }

  /** Takes from one bucket or from both, in either order, which are full from time to time. */
  private void hammer(LocalBuckets limiter, Random random, Map<String, Queue<Long>> grants) {
    List<Permits> kinds =
        List.of(
            Permits.of(name, "u"),
            Permits.of(other, "u"),
            Permits.of(name, "u").and(other, "u"),
            Permits.of(other, "u").and(name, "u"));
    for (int step = 0; step < 20_000; step++) {
      if (random.nextInt(8) == 0) {
        clock.advanceMicros(random.nextInt(8_000));
        limiter.sweep();
      }
      Permits permits = kinds.get(random.nextInt(kinds.size()));
      Decision decision = limiter.tryAcquire(permits);
      for (Permits.Permit each :
          decision.allowed() ? permits.buckets() : List.<Permits.Permit>of()) {
        Objects.requireNonNull(grants.get(each.limit())).add(decision.timeNanos() / 1_000);
      }
    }
  }

  @Test
  void threads_that_contend_for_one_place_are_all_decided_on() {
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
    try (RateLimiter limiter = LocalRateLimiter.builder().limit(limit).maximumSubjects(1).build()) {
      Permits three = Permits.of(name, "a").and(name, "b").and(name, "c");
      for (int i = 0; i < 10; i++) {
        assertThat(limiter.tryAcquire(three).allowed()).isTrue();
      }
    }
  }
}
