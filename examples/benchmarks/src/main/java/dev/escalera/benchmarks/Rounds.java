package dev.escalera.benchmarks;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Measures contenders in turn, round after round, so that whatever slows the machine for a while
 * slows all of them.
 */
public final class Rounds {
  private final Map<String, Contender> contenders = new LinkedHashMap<>();
  private final Report report;

  /**
   * Makes a contest without contenders.
   *
   * @param report is told of each figure
   */
  public Rounds(Report report) {
    this.report = report;
  }

  /** One who is measured. */
  @FunctionalInterface
  public interface Contender {
    /**
     * Does its work once.
     *
     * @return a figure, such as calls a second
     * @throws Exception if the work fails, which ends the benchmark
     */
    double measure() throws Exception;
  }

  /**
   * Adds a contender.
   *
   * @param name the name that its figures go by
   * @param contender does the work
   * @return this contest
   */
  public Rounds add(String name, Contender contender) {
    contenders.put(name, contender);
    return this;
  }

  /**
   * Measures every contender once in each round, in turn forwards and backwards.
   *
   * @param warmUps rounds before those that count
   * @param rounds rounds that count
   * @return the figures of each contender, one a round
   * @throws Exception if a contender fails
   */
  public Figures<List<Double>> run(int warmUps, int rounds) throws Exception {
    Figures<List<Double>> figures = new Figures<>();
    for (int round = -warmUps; round < rounds; round++) {
      for (String name : order(round)) {
        double figure = Objects.requireNonNull(contenders.get(name)).measure();
        report.progress(
            "  %s: %s%s".formatted(name, Ratio.format(figure), round < 0 ? " (warm-up)" : ""));
        if (round >= 0) {
          figures.ofOrNew(name, ArrayList::new).add(figure);
        }
      }
    }
    return figures;
  }

  private List<String> order(int round) {
    List<String> names = new ArrayList<>(contenders.keySet());
    if (round % 2 != 0) {
      Collections.reverse(names);
    }
    return names;
  }
}
