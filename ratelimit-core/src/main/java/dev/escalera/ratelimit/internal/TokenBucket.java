package dev.escalera.ratelimit.internal;

/**
 * The state of a token bucket and the arithmetic of greedy refill, that of Bucket4j: integers, the
 * part of a token that was gained carried as a remainder. {@code acquire.lua} does the same in
 * Redis. Immutable.
 *
 * @param tokens whole tokens in the bucket
 * @param remainder the part of a token that is gained already, in tokens x microseconds of the
 *     period
 * @param at when that was so, in microseconds
 * @param figures of the limit that the state was made under
 */
public record TokenBucket(long tokens, long remainder, long at, Figures figures) {
  /** When to ask again for more than the bucket can hold: by then other figures may hold. */
  private static final long HOPELESS_MICROS = 1_000_000;

  public static TokenBucket full(Figures figures, long now) {
    return new TokenBucket(figures.burst(), 0, now, figures);
  }

  /** Returns the bucket at {@code now}; a clock that went back adds nothing and is followed. */
  public TokenBucket refill(long now) {
    return refill(now, figures.burst());
  }

  /** Returns the bucket at {@code now}, with at most {@code room} tokens; what is over is lost. */
  TokenBucket refill(long now, long room) {
    long elapsed = now - at;
    long level = tokens;
    long part = remainder;
    if (elapsed > 0 && level < room) {
      long capacity = figures.capacity();
      long period = figures.periodMicros();
      long periods = elapsed / period;
      if (periods > (room - level) / capacity) {
        level = room;
      } else {
        part += elapsed % period * capacity;
        level = Math.min(room, level + periods * capacity + part / period);
        part %= period;
      }
    }
    return new TokenBucket(level, level < room ? part : 0, now, figures);
  }

  /**
   * Returns the bucket under the figures that hold where a node has {@code asked}; if they differ
   * from the bucket's, the share of the burst that is left stays, rounded down.
   */
  public TokenBucket under(Figures asked) {
    if (figures.equals(asked)) {
      return this;
    }
    Figures holding = asked.over(figures);
    if (figures.equals(holding)) {
      return this;
    }
    // In doubles, as Lua does it.
    long share = (long) Math.floor((double) tokens / figures.burst() * holding.burst());
    return new TokenBucket(Math.min(share, holding.burst()), 0, at, holding);
  }

  public TokenBucket take(long cost) {
    return new TokenBucket(tokens - cost, remainder, at, figures);
  }

  /** Microseconds until {@code cost} tokens are there; to full, 1 s at least, if they never can. */
  public long microsUntil(long cost) {
    return cost <= figures.burst()
        ? figures.microsToGain(cost - tokens, remainder)
        : Math.max(HOPELESS_MICROS, microsToFull());
  }

  public long microsToFull() {
    return figures.microsToGain(figures.burst() - tokens, remainder);
  }
}
