package dev.escalera.ratelimit;

/** What is decided while the store does not answer, in time or at all. */
public enum FailurePolicy {
  /** Everything is admitted: the limit does not hold, the service goes on. */
  FAIL_OPEN,
  /** Nothing is admitted: the limit holds, the service does not go on. */
  FAIL_CLOSED
}
