package dev.escalera.benchmarks;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;

/**
 * What was measured of each contender, by its name.
 *
 * @param <T> what is kept of a contender
 */
public final class Figures<T> {
  private final Map<String, T> byName = new LinkedHashMap<>();

  Figures() {}

  T ofOrNew(String name, Supplier<T> create) {
    return byName.computeIfAbsent(name, key -> create.get());
  }

  /**
   * Returns what was measured of a contender.
   *
   * @param name its name
   * @return its figures
   * @throws NullPointerException if there is no such contender
   */
  public T of(String name) {
    return Objects.requireNonNull(byName.get(name), () -> "no contender " + name);
  }

  /**
   * Compares two contenders that have one figure a round.
   *
   * @param figures what {@link Rounds} measured
   * @param ours the name of the first
   * @param theirs the name of the second
   * @return the ratio of the first to the second
   */
  public static Ratio ratio(Figures<List<Double>> figures, String ours, String theirs) {
    return Ratio.of(figures.of(ours), figures.of(theirs));
  }
}
