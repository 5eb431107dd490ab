package dev.escalera.ratelimit.internal;

import dev.escalera.ratelimit.Limit;

/**
 * The state of a token bucket and the arithmetic of Bucket4j's greedy refill: integers, the part of
 * a token that was gained carried as a remainder. {@code acquire.lua} does the same in Redis.
 * Immutable.
 *
 * @param tokens whole tokens in the bucket
 * @param remainder the part of a token that is gained already, in tokens x microseconds of the
 *     period
 * @param at when that was so, in microseconds
 * @param capacity of the limit that the state was made under
 * @param periodMicros of the limit that the state was made under
 * @param burst of the limit that the state was made under
 */
public record TokenBucket(
    long tokens, long remainder, long at, long capacity, long periodMicros, long burst) {
  /** The bucket after a decision, whether it has to be stored, and what is answered. */
  public record Step(TokenBucket bucket, boolean changed, Outcome outcome) {}

  public static TokenBucket full(Limit limit, long now) {
    return new TokenBucket(
        limit.burst(), 0, now, limit.capacity(), Limits.periodMicros(limit), limit.burst());
  }

  /**
   * Decides at {@code now}; a denial changes nothing, unless the clock went back and the bucket's
   * time must follow it, or the figures changed and it must gain by the new ones from now on.
   */
  public Step acquire(Limit limit, long cost, long now) {
    boolean rebased = now < at;
    TokenBucket gained = refill(now);
    TokenBucket refilled = gained.under(limit);
    boolean refigured = !refilled.equals(gained);
    boolean allowed = cost <= refilled.tokens;
    TokenBucket after = allowed ? refilled.take(cost) : refilled;
    return new Step(
        after,
        allowed || rebased || refigured,
        Outcome.of(limit, allowed, cost, after.tokens, after.remainder));
  }

  private TokenBucket take(long cost) {
    return new TokenBucket(tokens - cost, remainder, at, capacity, periodMicros, burst);
  }

  private TokenBucket refill(long now) {
    long elapsed = Math.max(0, now - at);
    long periods = elapsed / periodMicros;
    if (periods > (burst - tokens) / capacity) {
      return with(burst, 0, now);
    }
    long part = elapsed % periodMicros * capacity + remainder;
    long refilled = tokens + periods * capacity + part / periodMicros;
    return refilled >= burst ? with(burst, 0, now) : with(refilled, part % periodMicros, now);
  }

  /**
   * Returns the bucket under figures that may have changed: the share of the burst that is left
   * stays, rounded down.
   */
  private TokenBucket under(Limit limit) {
    long period = Limits.periodMicros(limit);
    if (capacity == limit.capacity() && periodMicros == period && burst == limit.burst()) {
      return this;
    }
    // In doubles, as Lua does it.
    long share = (long) Math.floor((double) tokens / burst * limit.burst());
    return new TokenBucket(
        Math.min(share, limit.burst()), 0, at, limit.capacity(), period, limit.burst());
  }

  private TokenBucket with(long tokens, long remainder, long now) {
    return new TokenBucket(tokens, remainder, now, capacity, periodMicros, burst);
  }
}
