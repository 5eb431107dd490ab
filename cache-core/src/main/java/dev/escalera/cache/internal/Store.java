package dev.escalera.cache.internal;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The second tier, in bytes. Its futures complete within a deadline in every case, perhaps on a
 * driver's thread.
 */
public interface Store {
  /** Until when L1 may serve without asking. */
  Lease lease();

  /** How many keys are best read by one call; more are by several, made at once. */
  int readsAtOnce();

  /** Reads envelopes, in one round trip; null for what is not there. */
  CompletableFuture<List<@Nullable Found>> read(List<Address> addresses);

  /** Whether {@link #versions} can be asked. */
  default boolean tellsVersions() {
    return false;
  }

  /** Returns the nonces of the envelopes, in one round trip; 0 for what is not there. */
  default CompletableFuture<List<Long>> versions(List<Address> addresses) {
    throw new UnsupportedOperationException();
  }

  /**
   * Asks to be the one that loads a key.
   *
   * @param address of the key
   * @param nonce under which the value may be filled in
   * @param unwanted the nonce of a value that is of no use; 0 for none
   * @param alone whether another who loads is to be waited for
   */
  CompletableFuture<Claim> claim(Address address, long nonce, long unwanted, boolean alone);

  /** Stores a value if the claim still stands; returns whether it does. */
  CompletableFuture<Boolean> fill(Address address, Claim claim, byte[] envelope, Duration life);

  /** Whether a node that holds a lease is told when another has loaded a key. */
  default boolean tellsLoads() {
    return true;
  }

  /** Gives a claim up, without an answer. */
  void release(Address address, Claim claim);

  /** Lets a claim stand for longer, without an answer. */
  void extend(Address address, Claim claim);

  /** How long a claim stands that is not extended. */
  Duration claimLife();

  /**
   * Stores a value, ends all claims and tells all nodes. Done after {@code giveUp} of the
   * platform's time it has no effect.
   */
  CompletableFuture<Applied> put(
      Address address,
      byte[] envelope,
      Duration life,
      long nonce,
      long giveUp,
      boolean acknowledge);

  /** Drops the value, ends all claims and tells all nodes. */
  CompletableFuture<Applied> invalidate(Address address, long nonce, boolean acknowledge);

  /** Returns the nonces of tags, of which each has one from now on. */
  CompletableFuture<List<Long>> tags(List<Address> tags);

  /** Gives a tag a fresh nonce and tells all nodes. */
  CompletableFuture<Applied> invalidateTag(Address tag, long nonce, boolean acknowledge);

  /** Ends when all changes that were made before have been told. */
  CompletableFuture<Void> barrier();

  /** How long an envelope may be. */
  int maxBytes();

  boolean isAvailable();

  /** Starts to tell of changes; called once. */
  void start(Coherence coherence);

  void close();

  /**
   * A change that L2 has confirmed.
   *
   * @param acknowledged ends when each node has dropped what was changed, or its lease has run out;
   *     has ended where that was not asked for
   */
  record Applied(CompletableFuture<Void> acknowledged) {
    public static final Applied ALONE = new Applied(CompletableFuture.completedFuture(null));
  }
}
