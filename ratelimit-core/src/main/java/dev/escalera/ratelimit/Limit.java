package dev.escalera.ratelimit;

import java.math.BigInteger;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Objects;

/**
 * A token bucket: it gains {@code capacity} tokens a {@code period}, evenly and to the microsecond,
 * and holds at most {@code burst}. Immutable.
 *
 * @param name identifies the limit: 1 to 128 printable ASCII characters
 * @param capacity tokens gained a period, at least 1 and at most one a microsecond
 * @param period at least a microsecond, in whole microseconds
 * @param burst the most tokens that the bucket holds, at least 1
 * @param revision rises with each change of the figures, from 0: where nodes disagree on a bucket,
 *     the highest revision holds for all, and of one revision the stricter figures
 */
public record Limit(String name, long capacity, Duration period, long burst, long revision) {
  private static final int MAX_NAME = 128;

  /** Up to here a double, the only number of Redis's Lua, counts without a gap. */
  private static final long EXACT = 1L << 53;

  /**
   * Makes a limit of the given figures.
   *
   * @param name identifies the limit: 1 to 128 printable ASCII characters
   * @param capacity tokens gained a period, at least 1 and at most one a microsecond
   * @param period at least a microsecond, in whole microseconds
   * @param burst the most tokens that the bucket holds, at least 1
   * @param revision rises with each change of the figures, from 0
   * @throws IllegalArgumentException if a value is out of range, or the larger of capacity and
   *     burst times the period, in microseconds, exceeds 2^53 even after capacity and period are
   *     divided by what divides both: beyond it the arithmetic would not be exact
   */
  public Limit {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(period, "period");
    if (name.isEmpty()
        || name.length() > MAX_NAME
        || !name.chars().allMatch(c -> c >= ' ' && c <= '~')) {
      throw new IllegalArgumentException(
          "name is \""
              + printable(name)
              + "\", expected 1 to "
              + MAX_NAME
              + " printable ASCII characters");
    }
    check(capacity >= 1, name, "capacity is " + capacity + ", expected at least 1");
    check(burst >= 1, name, "burst is " + burst + ", expected at least 1");
    check(
        period.compareTo(Duration.ofDays(36_500)) <= 0,
        name,
        "period is " + period + ", expected at most 36500 days");
    long micros = micros(period);
    check(
        micros >= 1 && period.equals(Duration.of(micros, ChronoUnit.MICROS)),
        name,
        "period is " + period + ", expected whole microseconds, at least one");
    check(
        capacity <= micros,
        name,
        "capacity is "
            + capacity
            + " a period of "
            + period
            + ", expected at most one a microsecond");
    check(
        revision >= 0 && revision < EXACT,
        name,
        "revision is " + revision + ", expected 0 to 2^53 - 1");
    long divisor = BigInteger.valueOf(capacity).gcd(BigInteger.valueOf(micros)).longValueExact();
    long most = Math.max(capacity / divisor, burst);
    check(
        most <= (EXACT - micros / divisor) / (micros / divisor),
        name,
        most
            + " tokens times a period of "
            + micros / divisor
            + " microseconds exceed 2^53; choose a smaller burst, or a capacity that divides the"
            + " period");
  }

  /**
   * Returns a limit of {@code capacity} tokens a {@code period}, whose burst is the capacity too.
   *
   * @param name identifies the limit: 1 to 128 printable ASCII characters
   * @param capacity tokens gained a period, at least 1
   * @param period at least a microsecond, in whole microseconds
   * @return the limit
   * @throws IllegalArgumentException if a value is out of range
   */
  public static Limit of(String name, long capacity, Duration period) {
    return new Limit(name, capacity, period, capacity, 0);
  }

  /**
   * Returns the same limit with another burst.
   *
   * @param burst the most tokens that the bucket holds, at least 1
   * @return the limit
   * @throws IllegalArgumentException if the value is out of range
   */
  public Limit burst(long burst) {
    return new Limit(name, capacity, period, burst, revision);
  }

  /**
   * Returns the same limit as a later revision of its figures.
   *
   * @param revision rises with each change, from 0
   * @return the limit
   * @throws IllegalArgumentException if the value is out of range
   */
  public Limit revision(long revision) {
    return new Limit(name, capacity, period, burst, revision);
  }

  private static long micros(Duration period) {
    return period.isNegative() ? 0 : period.dividedBy(Duration.of(1, ChronoUnit.MICROS));
  }

  private static void check(boolean good, String name, String problem) {
    if (!good) {
      throw new IllegalArgumentException("limit \"" + name + "\": " + problem);
    }
  }

  private static String printable(String name) {
    String start = name.substring(0, Math.min(name.length(), MAX_NAME));
    return start.replaceAll("[^ -~]", "?");
  }
}
