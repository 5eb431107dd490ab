package dev.escalera.ratelimit;

import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * What a rate limiter decided. Immutable.
 *
 * @param allowed whether the tokens were taken
 * @param limit the limit that decided: of several, the one that denied for longest, or that has
 *     least left; its figures are those that hold for the bucket
 * @param remaining tokens left in the bucket; 0 if the failure policy decided, since no one knows
 * @param retryAfter how long until the same request can be admitted, if no other comes first; zero
 *     if it was
 * @param resetAfter how long until the bucket is full, if nothing more is taken; zero if the
 *     failure policy decided
 * @param source who decided
 * @param time when it was decided: by the clock of the store if it decided, else by that of this
 *     process
 */
public record Decision(
    boolean allowed,
    Limit limit,
    long remaining,
    Duration retryAfter,
    Duration resetAfter,
    DecisionSource source,
    Instant time) {

  /** The largest integer of a structured field, RFC 9651 section 3.3.1. */
  private static final long MAX_FIELD_INTEGER = 999_999_999_999_999L;

  /**
   * Makes a decision.
   *
   * @param allowed whether the tokens were taken
   * @param limit the limit that decided: of several, the one that denied for longest, or that has
   *     least left; its figures are those that hold for the bucket
   * @param remaining tokens left in the bucket; 0 if the failure policy decided, since no one knows
   * @param retryAfter how long until the same request can be admitted, if no other comes first;
   *     zero if it was
   * @param resetAfter how long until the bucket is full, if nothing more is taken; zero if the
   *     failure policy decided
   * @param source who decided
   * @param time when it was decided: by the clock of the store if it decided, else by that of this
   *     process
   * @throws IllegalArgumentException if a number or a duration is negative
   */
  public Decision {
    Objects.requireNonNull(limit, "limit");
    Objects.requireNonNull(source, "source");
    Objects.requireNonNull(time, "time");
    if (remaining < 0) {
      throw new IllegalArgumentException("remaining is " + remaining + ", expected at least 0");
    }
    if (retryAfter.isNegative() || resetAfter.isNegative()) {
      throw new IllegalArgumentException(
          "retryAfter is "
              + retryAfter
              + " and resetAfter "
              + resetAfter
              + ", expected none to be negative");
    }
  }

  /**
   * Returns the HTTP header fields that tell a client of this decision, by name, in order. Seconds
   * are rounded up, so that a client that obeys never comes too early; what no one knows, since the
   * failure policy decided, is not told.
   *
   * @param profile which fields
   * @return an unmodifiable map, empty for {@link HeaderProfile#NONE}
   */
  public Map<String, String> headers(HeaderProfile profile) {
    Map<String, String> headers = new LinkedHashMap<>();
    boolean known = source != DecisionSource.FALLBACK;
    switch (profile) {
      case DRAFT_11 -> {
        String name = quoted(limit.name());
        headers.put(
            "RateLimit-Policy",
            name + ";q=" + clamp(limit.capacity()) + ";w=" + seconds(limit.period()));
        if (known) {
          headers.put("RateLimit", name + ";r=" + clamp(remaining) + ";t=" + seconds(resetAfter));
        }
      }
      case X_RATE_LIMIT -> {
        headers.put("X-RateLimit-Limit", String.valueOf(limit.capacity()));
        if (known) {
          headers.put("X-RateLimit-Remaining", String.valueOf(remaining));
          headers.put("X-RateLimit-Reset", String.valueOf(seconds(resetAfter)));
        }
      }
      case NONE -> {
        return Map.of();
      }
    }
    if (!allowed) {
      headers.put("Retry-After", String.valueOf(seconds(retryAfter)));
    }
    return Collections.unmodifiableMap(headers);
  }

  private static String quoted(String name) {
    return '"' + name.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  private static long seconds(Duration duration) {
    return clamp(duration.getSeconds() + (duration.getNano() > 0 ? 1 : 0));
  }

  private static long clamp(long number) {
    return Math.min(number, MAX_FIELD_INTEGER);
  }
}
