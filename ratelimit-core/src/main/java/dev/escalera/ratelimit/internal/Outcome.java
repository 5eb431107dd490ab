package dev.escalera.ratelimit.internal;

import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.Limit;
import java.time.Duration;
import java.time.temporal.ChronoUnit;

/** What a bucket says to a request; times in microseconds. */
public record Outcome(boolean allowed, long remaining, long retryMicros, long resetMicros) {
  /**
   * Reads the state of a bucket of {@code limit} after it was refilled and the cost, if it was
   * allowed, taken.
   *
   * @param remainder the part of a token that is gained already, in tokens x microseconds of the
   *     period
   */
  public static Outcome of(Limit limit, boolean allowed, long cost, long tokens, long remainder) {
    long retry = allowed ? 0 : microsToGain(limit, cost - tokens, remainder);
    long reset =
        tokens >= limit.burst() ? 0 : microsToGain(limit, limit.burst() - tokens, remainder);
    return new Outcome(allowed, tokens, retry, reset);
  }

  public Decision decision(Limit limit, DecisionSource source) {
    return new Decision(
        allowed, limit, remaining, micros(retryMicros), micros(resetMicros), source);
  }

  /** Rounded up: the tokens are all there when the time has passed. */
  private static long microsToGain(Limit limit, long tokens, long remainder) {
    return -Math.floorDiv(remainder - tokens * Limits.periodMicros(limit), limit.capacity());
  }

  private static Duration micros(long micros) {
    return Duration.of(micros, ChronoUnit.MICROS);
  }
}
