package dev.escalera.batch;

/** What became of an operation. */
public enum WriteStatus {
  /** It was applied. */
  APPLIED,
  /** It was applied before, as its idempotency key shows, and had no effect this time. */
  ALREADY_APPLIED,
  /** It was refused, and not applied. */
  FAILED,
  /**
   * It may have been applied or not: the answer was lost, and to send it again would not have been
   * safe.
   */
  UNKNOWN,
  /** It was never sent. */
  NOT_ATTEMPTED
}
