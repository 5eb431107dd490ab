package dev.escalera.ratelimit.local;

import dev.escalera.ratelimit.internal.Figures;
import dev.escalera.ratelimit.internal.TokenBucket;

/** A bucket in the table. Changes are guarded by it. */
final class LocalBucket {
  private volatile TokenBucket state;

  /** Set when the table gave it up: whoever still has it must look for its successor. */
  private boolean retired;

  LocalBucket(TokenBucket state) {
    this.state = state;
  }

  boolean isRetired() {
    return retired;
  }

  synchronized void retire() {
    retired = true;
  }

  /** Returns the bucket as it is now, under the figures that hold. */
  TokenBucket look(Figures asked, long now) {
    return state.refill(now).under(asked);
  }

  void set(TokenBucket state) {
    this.state = state;
  }

  TokenBucket state() {
    return state;
  }
}
