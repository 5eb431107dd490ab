package dev.escalera.sharding.internal;

import dev.escalera.sharding.Document;
import dev.escalera.sharding.ShardedCollection;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/**
 * Where buckets are kept. Every call ends within a deadline; what it fails with is the store's own.
 */
public interface BucketStore {
  /** A document and where it belongs. */
  record Placed(Bucket bucket, Document document) {}

  /** Makes buckets known, so that {@link #buckets} names them; idempotent. */
  CompletableFuture<Void> register(Collection<Bucket> buckets);

  /** Returns the names of all buckets of a collection that were registered. */
  CompletableFuture<List<String>> buckets(String collection);

  CompletableFuture<Void> put(ShardedCollection collection, Placed placed);

  /** Puts documents, no two of one bucket and id; returns why each was not stored, in order. */
  CompletableFuture<List<Optional<Throwable>>> putAll(
      ShardedCollection collection, List<Placed> placed);

  CompletableFuture<Optional<Document>> get(Bucket bucket, String id);

  CompletableFuture<Optional<Document>> update(
      ShardedCollection collection, Bucket bucket, String id, UnaryOperator<Document> change);

  CompletableFuture<Void> delete(ShardedCollection collection, Bucket bucket, String id);

  /** Returns the first documents of a bucket that a plan selects, in its order. */
  CompletableFuture<List<Document>> query(
      Bucket bucket, Plan plan, Optional<After> after, int limit);

  CompletableFuture<Long> count(Bucket bucket);

  /**
   * Returns the secret that cursors are signed with: {@code proposed}, or what another has proposed
   * before.
   */
  CompletableFuture<byte[]> secret(byte[] proposed);

  void close();
}
