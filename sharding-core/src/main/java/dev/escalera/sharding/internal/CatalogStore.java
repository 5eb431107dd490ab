package dev.escalera.sharding.internal;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Where the catalog is kept: on the first of the targets. */
public interface CatalogStore {
  /** A listing as of a version; without entries if they are those of the version that is known. */
  record Listing(String version, Optional<List<Entry>> entries) {}

  /** An entry that stands, and whether it was just made: then its bucket has no fence yet. */
  record Registered(Entry entry, boolean isNew) {}

  /** Adds entries of buckets that have none; returns what stands then, in order. */
  CompletableFuture<List<Registered>> register(List<Entry> proposed);

  /** Returns the entries of buckets, in order. */
  CompletableFuture<List<Optional<Entry>>> read(List<Bucket> buckets);

  /** Returns all entries of a collection, if there is a newer version than the known one. */
  CompletableFuture<Listing> list(String collection, String knownVersion);

  /** Changes an entry, if it is the expected one; returns whether it was. */
  CompletableFuture<Boolean> change(Entry expected, Entry next);

  /** Returns a time, as of which all that was acknowledged before can be read on all targets. */
  CompletableFuture<Instant> now();

  /**
   * Returns the secret that cursors are signed with: {@code proposed}, or what another has proposed
   * before.
   */
  CompletableFuture<byte[]> secret(byte[] proposed);
}
