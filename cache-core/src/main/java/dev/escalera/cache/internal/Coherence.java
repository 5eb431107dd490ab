package dev.escalera.cache.internal;

/** What a cache hears of other nodes. The methods do not block and do not throw. */
public interface Coherence {
  /** A key of this hash was changed by the call that carried this nonce. */
  void changed(long hash, long nonce);

  /** A load of a key of this hash has ended, somewhere. */
  void loaded(long hash);

  /** Changes may have been missed: the lease has a generation that serves nothing. */
  void fenced();

  /**
   * Every change is told from now on, as far as one who tells goes.
   *
   * @param resumed whether it is the store that it was, with all that it held
   */
  void opened(boolean resumed);

  /**
   * The store was asked on its own behalf, as to renew the lease: calls that read and that write.
   */
  default void spent(int reads, int writes) {}
}
