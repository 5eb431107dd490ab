package dev.escalera.cache;

/** What a node serves while it cannot reach L2. */
public enum OnRemoteLoss {
  /**
   * L1 goes on as a cache of this node alone: a value is served at most {@code outageTtl} after its
   * load.
   */
  SERVE_LOCAL,

  /** Nothing from L1 past the lease: each read loads. */
  BYPASS
}
