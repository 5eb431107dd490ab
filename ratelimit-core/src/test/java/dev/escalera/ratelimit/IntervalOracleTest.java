package dev.escalera.ratelimit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.escalera.ratelimit.IntervalOracle.Span;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** That the oracle can fail, and where exactly it does. */
class IntervalOracleTest {
  /** Three at once, then one each 100 ms. */
  private static final Limit LIMIT = Limit.of("a", 10, Duration.ofSeconds(1)).burst(3);

  @Test
  void what_burst_and_rate_allow_passes_and_a_microsecond_less_does_not() {
    assertThat(IntervalOracle.worstExcess(LIMIT, new long[] {0, 0, 0, 100_000, 200_000})).isZero();
    assertThat(IntervalOracle.worstExcess(LIMIT, new long[] {0, 0, 0, 99_999})).isEqualTo(1);
    assertThat(IntervalOracle.worstExcess(LIMIT, new long[] {0, 0, 0, 0, 0})).isEqualTo(2);
  }

  @Test
  void an_interval_within_a_quiet_history_is_found() {
    assertThat(
            IntervalOracle.worstExcess(
                LIMIT, new long[] {0, 9_000_000, 9_000_001, 9_000_002, 9_099_999, 20_000_000}))
        .isEqualTo(1);
  }

  @Test
  void of_spans_only_those_count_that_lie_within() {
    Span early = new Span(0, 1_000_000);
    assertThat(IntervalOracle.worstExcess(LIMIT, List.of(early, early, early))).isNegative();
    // Four within 1 ms: at least one too many, less what 1 ms brings.
    assertThat(IntervalOracle.worstExcess(LIMIT, List.of(early, early, early, early)))
        .isCloseTo(0.99, within(1e-9));
    assertThat(
            IntervalOracle.worstExcess(
                LIMIT, List.of(early, early, early, new Span(500_000, 200_000_000))))
        .isNegative();
  }
}
