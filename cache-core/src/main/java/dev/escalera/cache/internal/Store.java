package dev.escalera.cache.internal;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * The second tier, in bytes. Its futures complete within a deadline in every case, perhaps on a
 * driver's thread.
 */
public interface Store {
  /** What a read is for. */
  enum Mode {
    /** A value, and nothing else. */
    PEEK,
    /** A value, or else a version under which one can be filled in. */
    READ,
    /** A version, since the value is of no use. */
    CLAIM
  }

  CompletableFuture<Found> read(Address address, Mode mode);

  /** Stores a value if the version still stands; returns whether it does. */
  CompletableFuture<Boolean> fill(Address address, Object version, byte[] envelope, Duration ttl);

  /** Stores a value under a new version and tells all nodes. */
  CompletableFuture<Void> put(Address address, byte[] envelope, Duration ttl, long nonce);

  /** Drops the value, makes a new version and tells all nodes. */
  CompletableFuture<Void> invalidate(Address address, long nonce);

  /** How long an envelope may be. */
  int maxBytes();

  boolean isAvailable();

  /** Starts to tell of changes; called once. */
  void start(Coherence coherence);

  void close();
}
