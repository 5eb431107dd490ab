package dev.escalera.ratelimit.internal;

import dev.escalera.ratelimit.Limit;
import java.math.BigInteger;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The figures of a limit as the arithmetic has them: capacity and period divided by what divides
 * both, so that more limits stay below 2^53. Immutable.
 *
 * @param capacity tokens gained a period
 * @param periodMicros the period in microseconds
 * @param burst the most tokens in the bucket
 * @param revision the revision of the limit
 * @param scale what capacity and period were divided by
 */
public record Figures(long capacity, long periodMicros, long burst, long revision, long scale) {
  private static final Pattern TEXT =
      Pattern.compile("(\\d{1,16}) (\\d{1,16}) (\\d{1,16}) (\\d{1,16}) (\\d{1,16})");

  public static Figures of(Limit limit) {
    long micros = limit.period().dividedBy(Duration.of(1, ChronoUnit.MICROS));
    long scale =
        BigInteger.valueOf(limit.capacity()).gcd(BigInteger.valueOf(micros)).longValueExact();
    return new Figures(
        limit.capacity() / scale, micros / scale, limit.burst(), limit.revision(), scale);
  }

  /** Reads what {@link #text} wrote. */
  public static Figures parse(String text) {
    Matcher matcher = TEXT.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "figures are \"" + Keys.escape(text) + "\", expected five numbers");
    }
    return new Figures(
        Long.parseLong(matcher.group(1)),
        Long.parseLong(matcher.group(2)),
        Long.parseLong(matcher.group(3)),
        Long.parseLong(matcher.group(4)),
        Long.parseLong(matcher.group(5)));
  }

  /** The figures as they stand in a store. */
  public String text() {
    return capacity + " " + periodMicros + " " + burst + " " + revision + " " + scale;
  }

  public Limit limit(String name) {
    return new Limit(
        name,
        capacity * scale,
        Duration.of(periodMicros * scale, ChronoUnit.MICROS),
        burst,
        revision);
  }

  /**
   * Returns the figures that hold where {@code stored} are in the store and a node has these: the
   * higher revision, of one revision the lower rate and the lower burst.
   */
  Figures over(Figures stored) {
    if (equals(stored) || revision > stored.revision) {
      return this;
    }
    if (revision < stored.revision) {
      return stored;
    }
    // Doubles, since Lua has no other numbers; of equal rates the smaller scale.
    double mine = (double) capacity / periodMicros;
    double theirs = (double) stored.capacity / stored.periodMicros;
    Figures slower = mine < theirs || (mine == theirs && scale < stored.scale) ? this : stored;
    return new Figures(
        slower.capacity,
        slower.periodMicros,
        Math.min(burst, stored.burst),
        revision,
        slower.scale);
  }

  /** Microseconds until so many tokens are gained, rounded up. */
  long microsToGain(long tokens, long remainder) {
    return tokens <= 0 ? 0 : -Math.floorDiv(remainder - tokens * periodMicros, capacity);
  }

  /** Microseconds until an empty bucket is full. */
  public long microsToFull() {
    return microsToGain(burst, 0);
  }
}
