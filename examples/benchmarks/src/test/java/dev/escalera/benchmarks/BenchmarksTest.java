package dev.escalera.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BenchmarksTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @Test
  void bars_that_are_met_end_by_zero() {
    assertThat(run(report -> report.atMost("ours", "theirs", 1.5, Ratio.exactly(1.5)), "bars", "x"))
        .isZero();
    assertThat(text(out).lines())
        .containsExactly(
            "contender  against  bar      ratio  spread",
            "ours       theirs   <= 1.50  1.50   1.50-1.50  ok");
  }

  @Test
  void one_bar_that_is_short_ends_by_one() {
    assertThat(
            run(
                report -> {
                  report.atLeast("ours", "theirs", 2, Ratio.exactly(1.99));
                  report.atLeast("ours", "others", 2, Ratio.exactly(3_000));
                  report.note("theirs", "others", Ratio.exactly(1));
                },
                "bars",
                "x"))
        .isEqualTo(1);
    assertThat(text(out))
        .contains(">= 2.00  1.99   1.99-1.99    short")
        .contains(">= 2.00  3,000  3,000-3,000  ok");
  }

  @Test
  void a_measurement_that_breaks_down_is_not_taken_for_a_short_bar() {
    assertThat(
            run(
                report -> {
                  throw new IllegalStateException("no server");
                },
                "bars",
                "x"))
        .isEqualTo(3);
    assertThat(text(err)).contains("the measurement of x broke down", "no server");
    assertThat(text(out)).isEmpty();
  }

  @Test
  void other_arguments_are_refused() {
    for (String[] args :
        new String[][] {{}, {"bars"}, {"bars", "y"}, {"bar", "x"}, {"a", "b", "c"}}) {
      assertThat(run(report -> report.progress("measured"), args)).isEqualTo(2);
    }
    assertThat(text(err)).contains("bars x").doesNotContain("measured");
  }

  @Test
  void a_ratio_is_the_median_of_its_rounds() {
    assertThat(Ratio.of(List.of(2.0, 9.0, 4.0), List.of(1.0, 3.0, 4.0)))
        .isEqualTo(new Ratio(2, 1, 3));
    assertThat(Ratio.of(List.of(2.0, 9.0), List.of(1.0, 3.0))).isEqualTo(new Ratio(2.5, 2, 3));
    assertThatThrownBy(() -> Ratio.of(List.of(1.0), List.of()))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void contenders_take_turns_and_warm_ups_do_not_count() throws Exception {
    List<String> order = new ArrayList<>();
    Figures<List<Double>> figures =
        new Rounds(new Report(print(err)))
            .add("a", () -> note(order, "a"))
            .add("b", () -> note(order, "b"))
            .run(1, 2);
    assertThat(String.join("", order)).isEqualTo("baabba");
    assertThat(figures.of("a")).containsExactly(3.0, 6.0);
    assertThat(figures.of("b")).containsExactly(4.0, 5.0);
  }

  private static double note(List<String> order, String name) {
    order.add(name);
    return order.size();
  }

  private int run(Bars bars, String... args) {
    return new Benchmarks(Map.of("x", bars), print(out), print(err)).run(args);
  }

  private static PrintStream print(ByteArrayOutputStream bytes) {
    return new PrintStream(bytes, true, StandardCharsets.UTF_8);
  }

  private static String text(ByteArrayOutputStream bytes) {
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
