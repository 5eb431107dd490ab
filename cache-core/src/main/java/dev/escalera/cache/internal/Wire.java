package dev.escalera.cache.internal;

import java.util.concurrent.CompletableFuture;

/** The way to the store over which a node listens and renews its lease. */
public interface Wire {
  /**
   * Connects and subscribes. What the connection receives is told in the order in which it comes,
   * and a renewal's future completes after all that came before its reply was told.
   */
  CompletableFuture<Connection> connect(Events events);

  /** One connection, never revived. */
  interface Connection {
    /** Registers this node, which writes. */
    CompletableFuture<Renewal> renew(long node, long number);

    /** Tells a caller that a node has done what it asked for. */
    void acknowledge(Change change, long node);

    /** Takes this node off the registry, so that nobody waits for it, and closes. */
    void leave(long node);

    void close();
  }

  /** What comes over one connection. None of these blocks or throws. */
  interface Events {
    void changed(Change change);

    /** A load of a key has ended. */
    void loaded(long cache, long hash);

    /** A node has done what the call of an id asked for. */
    void acknowledged(long id, long node);

    /** Something came that is not understood, or the connection ended. */
    void ended(Connection connection);
  }

  /**
   * A change that a script has made.
   *
   * @param sequence one more than that of the change before
   * @param cache hash of the cache's name
   * @param hash of the key
   * @param nonce of the change
   * @param id of the call that waits for this node; 0 if none
   * @param caller the node that waits
   */
  record Change(long sequence, long cache, long hash, long nonce, long id, long caller) {}

  /**
   * The reply to a renewal.
   *
   * @param incarnation of the registry
   * @param sequence of the last change
   * @param storeMillis the store's time
   */
  record Renewal(long incarnation, long sequence, long storeMillis) {}
}
