package dev.escalera.benchmarks.ratelimit;

import java.util.Arrays;
import java.util.Random;

/** Numbers by Zipf's law, by the sums of their weights. */
final class Zipf {
  private Zipf() {}

  /** Draws numbers below {@code size}, of which i comes as often as 1 / (i + 1)^exponent. */
  static int[] draw(int size, double exponent, int count, long seed) {
    double[] sums = new double[size];
    double sum = 0;
    for (int i = 0; i < size; i++) {
      sum += Math.pow(i + 1, -exponent);
      sums[i] = sum;
    }
    Random random = new Random(seed);
    int[] drawn = new int[count];
    for (int i = 0; i < count; i++) {
      int at = Arrays.binarySearch(sums, random.nextDouble() * sum);
      drawn[i] = Math.min(size - 1, at < 0 ? -at - 1 : at);
    }
    return drawn;
  }
}
