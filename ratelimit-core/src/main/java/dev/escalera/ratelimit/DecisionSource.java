package dev.escalera.ratelimit;

/** Who decided. */
public enum DecisionSource {
  /** The bucket in this process. */
  LOCAL,
  /** The bucket in the store, by a call for this decision alone. */
  REMOTE,
  /** The bucket in the store, by a call for several decisions of this process. */
  MERGED,
  /** Tokens that this process had taken from the store before. */
  LEASE,
  /** The last answer of the store, by which the tokens cannot be there yet. */
  DENY_CACHE,
  /** The failure policy, since the store did not answer. */
  FALLBACK
}
