package dev.escalera.ratelimit.local;

import dev.escalera.ratelimit.internal.Figures;
import dev.escalera.ratelimit.internal.TokenBucket;

/**
 * A bucket in the table. What it holds is read and changed by those only who have its monitor; its
 * fields are those of a {@link TokenBucket}, so that a decision leaves nothing behind.
 */
final class LocalBucket {
  private Figures figures;
  private long tokens;
  private long remainder;
  private long at;

  /** Whether anything was decided on it. */
  private boolean used;

  /** Set when the table gave it up: whoever still has it must look for its successor. */
  private boolean retired;

  LocalBucket(Figures figures, long now) {
    this.figures = figures;
    this.tokens = figures.burst();
    this.at = now;
  }

  boolean isRetired() {
    return retired;
  }

  synchronized void retire() {
    retired = true;
  }

  /** Whether something was decided on it later than at that time. */
  boolean isAfter(long now) {
    return at > now;
  }

  /** Returns the bucket as it is now, under the figures that hold. */
  TokenBucket look(Figures asked, long now) {
    return new TokenBucket(tokens, remainder, at, figures).refill(now).under(asked);
  }

  void set(TokenBucket state) {
    figures = state.figures();
    tokens = state.tokens();
    remainder = state.remainder();
    at = state.at();
    used = true;
  }

  /** Returns what it loses if it starts anew; most of all one that someone is about to use. */
  synchronized long microsToFull(long now) {
    return used ? look(figures, now).microsToFull() : Long.MAX_VALUE;
  }

  /** Gives the bucket up if it is full, and so tells nothing. */
  synchronized boolean retireIfFull(long now) {
    retired |= look(figures, now).microsToFull() == 0;
    return retired;
  }
}
