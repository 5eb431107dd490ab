package dev.escalera.ratelimit;

/** What is decided while the store does not answer, in time or at all. */
public enum FailurePolicy {
  /** Everything is admitted: the limit does not hold, the service goes on. */
  FAIL_OPEN,
  /** Nothing is admitted: the limit holds, the service does not go on. */
  FAIL_CLOSED,
  /**
   * Each node admits its share by itself: of what it last knew to be left, then of the rate. The
   * limit holds only as far as load is even and the count of nodes is right. When the store is back
   * it is told what was taken meanwhile.
   */
  LOCAL_FALLBACK
}
