package dev.escalera.ratelimit;

/** Who decided. */
public enum DecisionSource {
  /** The bucket in this process. */
  LOCAL,
  /** The bucket in the store. */
  REMOTE,
  /** The failure policy, since the store did not answer. */
  FALLBACK
}
