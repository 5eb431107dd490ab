package dev.escalera.cache.internal;

/** What a store tells of other nodes. The methods do not block. */
public interface Coherence {
  /** A key of this hash was changed by the call that carried this nonce. */
  void changed(long hash, long nonce);

  /** Changes may be missed from now on. */
  void fence();

  /** Every change that is made from now on will be told. */
  void coherent();
}
