package dev.escalera.ratelimit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.ManualClock;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a node admits alone. */
class FallbackTest {
  /** Twelve at most, one a second. */
  private final Limit limit = Limit.of("a", 60, Duration.ofMinutes(1)).burst(12);

  private final Figures figures = Figures.of(limit);
  private final ManualClock clock = new ManualClock();
  private final Counters counters = new Counters(List.of("a"));
  private final Fallback fallback = new Fallback(clock.process(), counters);

  private Target target(String subject) {
    return new Target(new Target.Key("a", subject), limit, figures);
  }

  private void saw(String subject, long tokens) {
    fallback.saw(target(subject), new TokenBucket(tokens, 0, 0, figures));
  }

  private Decision ask(String subject, int nodes) {
    return fallback.decide(List.of(target(subject)), 1, nodes);
  }

  private long admitted(String subject, int nodes) {
    long admitted = 0;
    while (ask(subject, nodes).allowed()) {
      admitted++;
    }
    return admitted;
  }

  @Test
  void a_node_admits_its_share_of_what_was_left_and_then_of_the_rate() {
    saw("u", 11);
    assertThat(admitted("u", 4)).as("of 11 among 4").isEqualTo(2);
    Decision denied = ask("u", 4);
    assertThat(denied.retryAfter()).isEqualTo(Duration.ofSeconds(4));
    clock.advance(Duration.ofSeconds(8));
    assertThat(admitted("u", 4)).as("in 8 s").isEqualTo(2);
    clock.advance(Duration.ofHours(1));
    assertThat(admitted("u", 4)).as("of a burst of 12 among 4").isEqualTo(3);
  }

  @Test
  void a_bucket_that_was_empty_gives_nothing_and_one_unseen_at_least_one() {
    saw("u", 0);
    assertThat(admitted("u", 1)).isZero();
    assertThat(admitted("unseen", 1)).isEqualTo(12);
    assertThat(admitted("unseen by many", 100)).isEqualTo(1);
    saw("little left", 3);
    assertThat(admitted("little left", 4)).as("of 3 among 4").isZero();
  }

  @Test
  void the_whole_limit_is_told_also_where_no_limit_can_have_the_figures_of_a_share() {
    Limit odd = Limit.of("a", 7_919, Duration.ofDays(1));
    Limit longest = Limit.of("a", 1, Duration.ofDays(36_500));
    for (Limit whole : List.of(limit, odd, longest)) {
      Target target = new Target(new Target.Key("a", whole.toString()), whole, Figures.of(whole));
      Decision admitted = fallback.decide(List.of(target), 1, 14);
      assertThat(admitted.allowed()).isTrue();
      assertThat(admitted.limit()).isEqualTo(whole);
      Decision denied = fallback.decide(List.of(target), whole.burst(), 14);
      assertThat(denied.allowed()).isFalse();
      assertThat(denied.limit()).isEqualTo(whole);
    }
  }

  @Test
  void a_time_beyond_what_a_decision_can_tell_is_the_longest_that_it_can() {
    Limit longest = Limit.of("a", 1, Duration.ofDays(36_500));
    Target target = new Target(new Target.Key("a", "u"), longest, Figures.of(longest));
    fallback.decide(List.of(target), 1, 14);
    assertThat(fallback.decide(List.of(target), 1, 14).retryNanos()).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void who_asks_for_more_than_a_share_can_hold_is_told_to_wait_a_second_at_least() {
    Decision denied = fallback.decide(List.of(target("u")), 12, 4);
    assertThat(denied.allowed()).isFalse();
    assertThat(denied.retryAfter()).isEqualTo(Duration.ofSeconds(1));
  }

  @Test
  void a_share_is_of_one_outage() {
    saw("u", 6);
    assertThat(admitted("u", 2)).isEqualTo(3);
    fallback.recovered();
    saw("u", 10);
    assertThat(admitted("u", 2)).isEqualTo(5);
  }

  @Test
  void what_is_admitted_is_owed_once() {
    saw("u", 12);
    admitted("u", 2);
    assertThat(fallback.owed()).containsExactly(target("u"));
    assertThat(fallback.claim(target("u").key())).isEqualTo(6);
    assertThat(fallback.claim(target("u").key())).isZero();
    fallback.unclaim(target("u"), 6);
    assertThat(fallback.claim(target("u").key())).isEqualTo(6);
    assertThat(fallback.owed()).isEmpty();
  }

  @Test
  void the_table_is_bounded_and_what_it_forgets_is_counted() {
    long subjects = 150_000;
    for (int i = 0; i < subjects; i++) {
      ask("u" + i, 1);
    }
    assertThat(fallback.owed()).hasSizeBetween(1, 100_000);
    assertThat(counters.lostDebits.sum()).isEqualTo(subjects - fallback.owed().size());
  }
}
