package dev.escalera.benchmarks;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * How two contenders compare: the median of the ratios of single rounds, and the lowest and highest
 * of them.
 *
 * @param median the ratio that counts
 * @param low the lowest of a round
 * @param high the highest of a round
 */
public record Ratio(double median, double low, double high) {
  /**
   * Divides ours by theirs, round by round, so that what slows a whole round falls out.
   *
   * @param ours a figure a round
   * @param theirs a figure for each of the same rounds
   * @return the ratio
   * @throws IllegalArgumentException if the lists are empty or not of one length
   */
  public static Ratio of(List<Double> ours, List<Double> theirs) {
    if (ours.isEmpty() || ours.size() != theirs.size()) {
      throw new IllegalArgumentException(
          "rounds must be as many on both sides, but are " + ours.size() + " and " + theirs.size());
    }
    double[] ratios =
        IntStream.range(0, ours.size())
            .mapToDouble(i -> ours.get(i) / theirs.get(i))
            .sorted()
            .toArray();
    return new Ratio(median(ratios), ratios[0], ratios[ratios.length - 1]);
  }

  /**
   * Returns a figure that is compared with its bar itself, such as a count.
   *
   * @param figure the figure
   * @return it, without spread
   */
  public static Ratio exactly(double figure) {
    return new Ratio(figure, figure, figure);
  }

  /**
   * Returns the spread as it is printed.
   *
   * @return the lowest and the highest
   */
  public String spread() {
    return format(low) + "-" + format(high);
  }

  static String format(double figure) {
    return String.format(Locale.ROOT, figure >= 100 ? "%,.0f" : "%.2f", figure);
  }

  private static double median(double[] sorted) {
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1
        ? sorted[middle]
        : Arrays.stream(sorted, middle - 1, middle + 1).average().orElseThrow();
  }
}
