package dev.escalera.benchmarks;

import java.util.Map;
import java.util.Set;

/** Measures the parts of some bars, or those alone that {@code -Descalera.bars=one,two} names. */
public final class Parts {
  private Parts() {}

  /** A part of some bars. */
  @FunctionalInterface
  public interface Part {
    /**
     * Measures.
     *
     * @param report takes the results
     * @throws Exception if the measurement breaks down
     */
    void measure(Report report) throws Exception;
  }

  /**
   * Measures parts in their order.
   *
   * @param parts by their names
   * @param report takes the results
   * @throws Exception if a measurement breaks down
   */
  public static void measure(Map<String, Part> parts, Report report) throws Exception {
    Set<String> only = Set.of(System.getProperty("escalera.bars", "").split(",", -1));
    for (Map.Entry<String, Part> part : parts.entrySet()) {
      if (only.contains("") || only.contains(part.getKey())) {
        report.progress(part.getKey());
        part.getValue().measure(report);
      }
    }
  }
}
