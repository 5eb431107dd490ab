package dev.escalera.ratelimit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.ManualClock;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** For how long a denial answers, to the microsecond. */
class DenialsTest {
  /** One each 10 s. */
  private final Limit limit = Limit.of("a", 6, Duration.ofMinutes(1));

  private final Figures figures = Figures.of(limit);
  private final Target target = new Target(new Target.Key("a", "u"), limit, figures);
  private final ManualClock clock = new ManualClock();

  private Denials denied(Duration max, long tokens) {
    return denied(max, tokens, Duration.ZERO);
  }

  private Denials denied(Duration max, long tokens, Duration pause) {
    Denials denials = new Denials(max, clock.process());
    long sent = clock.nanos();
    clock.advance(Duration.ofMillis(30));
    denials.denied(
        target,
        new TokenBucket(tokens, 0, 5_000_000, figures),
        denials.answered(sent, pause.toNanos()));
    return denials;
  }

  private boolean isDenied(Denials denials, long cost) {
    return denials.check(List.of(target), cost) != null;
  }

  @Test
  void it_answers_until_the_tokens_can_be_there_counted_from_the_sending() {
    Denials denials = denied(Duration.ofMinutes(1), 0);
    // 10 s x 0.999 after the sending, of which 30 ms have passed.
    clock.advance(Duration.ofMillis(9_990 - 30 - 1));
    assertThat(isDenied(denials, 1)).isTrue();
    clock.advance(Duration.ofMillis(1));
    assertThat(isDenied(denials, 1)).isFalse();
    assertThat(isDenied(denials, 2)).as("for which it takes twice as long").isTrue();
    clock.advance(Duration.ofMillis(9_990));
    assertThat(isDenied(denials, 2)).isFalse();
  }

  @Test
  void it_answers_for_no_longer_than_it_may() {
    Denials denials = denied(Duration.ofSeconds(1), 0);
    clock.advance(Duration.ofMillis(969));
    assertThat(isDenied(denials, 1)).isTrue();
    clock.advance(Duration.ofMillis(1));
    assertThat(isDenied(denials, 1)).isFalse();
  }

  @Test
  void a_denial_of_a_cost_covers_higher_ones_and_no_lower_one() {
    Denials denials = denied(Duration.ofMinutes(1), 2);
    assertThat(isDenied(denials, 2)).isFalse();
    assertThat(isDenied(denials, 3)).isTrue();
    assertThat(isDenied(denials, 6)).isTrue();
  }

  @Test
  void those_who_obey_what_it_says_do_not_come_too_early() {
    Denials denials = denied(Duration.ofMinutes(1), 0);
    clock.advance(Duration.ofSeconds(4));
    Decision decision = Objects.requireNonNull(denials.check(List.of(target), 1));
    assertThat(decision.source()).isEqualTo(DecisionSource.DENY_CACHE);
    // The bucket was empty at the answer at the latest, 4 s ago; its clock may be slower.
    assertThat(decision.retryAfter()).isBetween(Duration.ofSeconds(6), Duration.ofMillis(6_010));
  }

  @Test
  void it_ends_when_the_bucket_is_filled_or_the_limit_becomes_another() {
    Denials denials = denied(Duration.ofMinutes(1), 0);
    Limit changed = limit.burst(20).revision(1);
    Target other = new Target(target.key(), changed, Figures.of(changed));
    assertThat(denials.check(List.of(other), 1)).isNull();
    assertThat(isDenied(denials, 1)).isTrue();
    denials.forget(target.key());
    assertThat(isDenied(denials, 1)).isFalse();
  }

  @Test
  void a_pause_holds_for_all_costs_and_says_how_long() {
    Denials denials = denied(Duration.ofMinutes(1), 2, Duration.ofMillis(500));
    clock.advance(Duration.ofMillis(469));
    Decision decision = Objects.requireNonNull(denials.check(List.of(target), 1));
    assertThat(decision.retryAfter()).isEqualTo(Duration.ofMillis(1));
    assertThat(isDenied(denials, 3)).isTrue();
    clock.advance(Duration.ofMillis(1));
    assertThat(isDenied(denials, 1)).isFalse();
    assertThat(isDenied(denials, 3)).isTrue();
  }

  @Test
  void a_maximum_of_zero_remembers_nothing() {
    assertThat(isDenied(denied(Duration.ZERO, 0), 1)).isFalse();
  }
}
