package dev.escalera.cache.internal;

/**
 * The decisions on which coherence rests, each in one place, so that a test can break one at a time
 * and must see that the simulation notices.
 */
class Rules {
  /** Which mark an entry bears: what stood before its value was read, whatever stands now. */
  Mark bears(Mark before, Mark now) {
    return before;
  }

  /** Which mark a value bears that was loaded and that L2 may not hold. */
  Mark bearsPastStore(Mark mark) {
    return mark.alone();
  }

  /** Whether L2 still holds the write that an entry of L1 came from. */
  boolean isStillHeld(long nonce, long inStore) {
    return nonce == inStore;
  }

  /** Whether a call may join a flight: only one of which it knows that nothing came between. */
  boolean joins(Mark flight, Mark call, boolean leased) {
    return leased && flight.equals(call);
  }

  /** When a lease begins: the reply proves what had arrived when the renewal was sent, no more. */
  long leaseBegins(long sent, long received) {
    return sent;
  }

  /** Whether the end of a connection ends the generation of the lease. */
  boolean fencesOnDisconnect() {
    return true;
  }

  /**
   * With what a value is stamped that bears a tag: the nonce that the tag had, whatever the time.
   */
  long stamp(long nonce) {
    return nonce;
  }

  /** Whether a value with a stamp stands now that the tag has a nonce. */
  boolean tagStands(long stamp, long nonce) {
    return stamp == nonce;
  }
}
