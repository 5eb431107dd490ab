package dev.escalera.ratelimit;

import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * What a rate limiter decided. Immutable. It keeps its times as nanoseconds, so that a decision in
 * process makes one object only; {@link #retryAfter()}, {@link #resetAfter()} and {@link #time()}
 * are what to read.
 *
 * @param allowed whether the tokens were taken
 * @param limit the limit that decided: of several, the one that denied for longest, or that has
 *     least left; its figures are those that hold for the bucket
 * @param remaining tokens left in the bucket; if the failure policy decided, those left of this
 *     node's share by {@link FailurePolicy#LOCAL_FALLBACK}, else 0, since no one knows
 * @param retryNanos nanoseconds until the same request can be admitted, if no other comes first; 0
 *     if it was
 * @param resetNanos nanoseconds until the bucket is full, if nothing more is taken; if the failure
 *     policy decided, until this node's share is by {@link FailurePolicy#LOCAL_FALLBACK}, else 0
 * @param source who decided
 * @param timeNanos when it was decided, in nanoseconds since 1970: by the clock of the store if it
 *     decided, else by that of this process
 */
public record Decision(
    boolean allowed,
    Limit limit,
    long remaining,
    long retryNanos,
    long resetNanos,
    DecisionSource source,
    long timeNanos) {

  /** The largest integer of a structured field, RFC 9651 section 3.3.1. */
  private static final long MAX_FIELD_INTEGER = 999_999_999_999_999L;

  private static final long SECOND = 1_000_000_000;

  /**
   * Makes a decision.
   *
   * @param allowed whether the tokens were taken
   * @param limit the limit that decided
   * @param remaining tokens left in the bucket
   * @param retryNanos nanoseconds until the same request can be admitted
   * @param resetNanos nanoseconds until the bucket is full
   * @param source who decided
   * @param timeNanos when it was decided, in nanoseconds since 1970
   * @throws IllegalArgumentException if a number other than the time is negative
   */
  public Decision {
    Objects.requireNonNull(limit, "limit");
    Objects.requireNonNull(source, "source");
    if (remaining < 0) {
      throw new IllegalArgumentException("remaining is " + remaining + ", expected at least 0");
    }
    if (retryNanos < 0 || resetNanos < 0) {
      throw new IllegalArgumentException(
          "retryAfter is "
              + Duration.ofNanos(retryNanos)
              + " and resetAfter "
              + Duration.ofNanos(resetNanos)
              + ", expected none to be negative");
    }
  }

  /**
   * Makes a decision.
   *
   * @param allowed whether the tokens were taken
   * @param limit the limit that decided
   * @param remaining tokens left in the bucket
   * @param retryAfter how long until the same request can be admitted
   * @param resetAfter how long until the bucket is full
   * @param source who decided
   * @param time when it was decided
   * @throws IllegalArgumentException if a number or a duration is negative
   * @throws ArithmeticException if a duration is over 292 years, or the time as far from 1970
   */
  public Decision(
      boolean allowed,
      Limit limit,
      long remaining,
      Duration retryAfter,
      Duration resetAfter,
      DecisionSource source,
      Instant time) {
    this(
        allowed,
        limit,
        remaining,
        retryAfter.toNanos(),
        resetAfter.toNanos(),
        source,
        Duration.between(Instant.EPOCH, time).toNanos());
  }

  /**
   * Returns how long until the same request can be admitted, if no other comes first.
   *
   * @return the time, zero if it was admitted
   */
  public Duration retryAfter() {
    return Duration.ofNanos(retryNanos);
  }

  /**
   * Returns how long until the bucket is full, if nothing more is taken.
   *
   * @return the time; if the failure policy decided, until this node's share is full by {@link
   *     FailurePolicy#LOCAL_FALLBACK}, else zero
   */
  public Duration resetAfter() {
    return Duration.ofNanos(resetNanos);
  }

  /**
   * Returns when it was decided: by the clock of the store if it decided, else by that of this
   * process.
   *
   * @return the time
   */
  public Instant time() {
    return Instant.EPOCH.plusNanos(timeNanos);
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
            name + ";q=" + clamp(limit.capacity()) + ";w=" + seconds(limit.period().toNanos()));
        if (known) {
          headers.put("RateLimit", name + ";r=" + clamp(remaining) + ";t=" + seconds(resetNanos));
        }
      }
      case X_RATE_LIMIT -> {
        headers.put("X-RateLimit-Limit", String.valueOf(limit.capacity()));
        if (known) {
          headers.put("X-RateLimit-Remaining", String.valueOf(remaining));
          headers.put("X-RateLimit-Reset", String.valueOf(seconds(resetNanos)));
        }
      }
      case NONE -> {
        return Map.of();
      }
    }
    if (!allowed) {
      headers.put("Retry-After", String.valueOf(seconds(retryNanos)));
    }
    return Collections.unmodifiableMap(headers);
  }

  @Override
  public String toString() {
    return "Decision[allowed="
        + allowed
        + ", limit="
        + limit
        + ", remaining="
        + remaining
        + ", retryAfter="
        + retryAfter()
        + ", resetAfter="
        + resetAfter()
        + ", source="
        + source
        + ", time="
        + time()
        + "]";
  }

  private static String quoted(String name) {
    return '"' + name.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  private static long seconds(long nanos) {
    return clamp(nanos / SECOND + (nanos % SECOND > 0 ? 1 : 0));
  }

  private static long clamp(long number) {
    return Math.min(number, MAX_FIELD_INTEGER);
  }
}
