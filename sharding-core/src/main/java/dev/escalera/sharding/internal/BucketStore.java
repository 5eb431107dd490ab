package dev.escalera.sharding.internal;

import dev.escalera.sharding.ShardedCollection;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/**
 * Where buckets are kept. Every call ends within a deadline; what it fails with is the store's own,
 * or {@link FencedException}.
 *
 * <p>A write takes effect only together with the check that the bucket's fence admits the writer's
 * epoch: in one step of the store, so that none takes effect after the fence was flipped.
 */
public interface BucketStore {
  /** A bucket, and as of which epoch its writer knows it. */
  record Home(Bucket bucket, long epoch) {}

  /** A document and where it belongs. */
  record Placed(Home home, Row row) {}

  /** Puts a fence where none is; returns the one that stands then. */
  CompletableFuture<Fence> raise(Bucket bucket, Fence proposed);

  CompletableFuture<Optional<Fence>> fence(Bucket bucket);

  /** Changes the fence, if it is the expected one, in one step; returns whether it was. */
  CompletableFuture<Boolean> flip(Bucket bucket, Fence expected, Fence next);

  CompletableFuture<Void> put(ShardedCollection collection, Placed placed);

  /** Puts documents, no two of one bucket and id; returns why each was not stored, in order. */
  CompletableFuture<List<Optional<Throwable>>> putAll(
      ShardedCollection collection, List<Placed> placed);

  CompletableFuture<Optional<Row>> get(Bucket bucket, String id);

  CompletableFuture<Optional<Row>> update(
      ShardedCollection collection, Home home, String id, UnaryOperator<Row> change);

  CompletableFuture<Void> delete(ShardedCollection collection, Home home, String id);

  /**
   * Returns the first documents of a bucket that a plan selects, in its order; as of a time, which
   * {@link CatalogStore#now} gave not long ago, or now.
   */
  CompletableFuture<List<Row>> query(
      Bucket bucket, Plan plan, Optional<After> after, int limit, Optional<Instant> at);

  /** Returns how many documents of a bucket a plan selects. */
  CompletableFuture<Long> count(Bucket bucket, Plan plan);

  void close();
}
