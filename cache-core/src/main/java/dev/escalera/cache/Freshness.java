package dev.escalera.cache;

/** When an {@code invalidate} or a {@code put} returns. */
public enum Freshness {
  /**
   * After one round trip to L2: other nodes serve what was there before for {@code maxStaleness} at
   * most.
   */
  BOUNDED,

  /**
   * When each node has acknowledged, or can serve nothing old since its lease has run out: no read
   * that begins afterwards, on any node, yields a value whose load began before the call.
   */
  ACKNOWLEDGED
}
