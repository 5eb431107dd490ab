package dev.escalera.ratelimit;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Checks grants against the promise: no interval of length T holds more than burst + rate x T.
 * Every interval that can matter is looked at, since one that is over and as short as can be begins
 * and ends at a grant.
 */
public final class IntervalOracle {
  /** A grant that happened somewhere from one time to the other. */
  public record Span(long from, long to) {}

  private IntervalOracle() {}

  /**
   * Returns by how many tokens the worst interval is over the bound, 0 or less if none is, counting
   * in integers.
   *
   * @param times of the grants of one token, in microseconds of the store, in any order
   */
  public static long worstExcess(Limit limit, long[] times) {
    long period = limit.period().toNanos() / 1_000;
    long[] sorted = times.clone();
    Arrays.sort(sorted);
    // The most that an interval which ends at this grant holds beyond the rate, in tokens x period.
    long excess = 0;
    long worst = 0;
    for (int i = 0; i < sorted.length; i++) {
      long gained = i == 0 ? 0 : Math.multiplyExact(sorted[i] - sorted[i - 1], limit.capacity());
      excess = Math.max(0, excess - gained) + period;
      worst = Math.max(worst, excess);
    }
    return -Math.floorDiv(limit.burst() * period - worst, period);
  }

  /**
   * Returns by how many tokens the worst interval is over the bound if only those grants count that
   * surely lie in it.
   *
   * @param spans in nanoseconds of one clock
   */
  public static double worstExcess(Limit limit, List<Span> spans) {
    double perNano = limit.capacity() / (double) limit.period().toNanos();
    List<Span> byStart =
        spans.stream().sorted(Comparator.comparingLong(Span::from).reversed()).toList();
    long[] ends = new long[spans.size()];
    double worst = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < ends.length; i++) {
      Span span = byStart.get(i);
      int at = Arrays.binarySearch(ends, 0, i, span.to);
      int insert = at < 0 ? -at - 1 : at;
      System.arraycopy(ends, insert, ends, insert + 1, i - insert);
      ends[insert] = span.to;
      for (int k = 0; k <= i; k++) {
        worst = Math.max(worst, k + 1 - limit.burst() - perNano * (ends[k] - span.from));
      }
    }
    return worst;
  }
}
