package dev.escalera.sharding.internal;

import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.ShardingException;
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

  /** How many bytes a bucket takes about, and how many documents were read to know it. */
  record Size(long bytes, long reads) {}

  /** Puts a fence where none is; returns the one that stands then. */
  CompletableFuture<Fence> raise(Bucket bucket, Fence proposed);

  /** Puts one fence each where none is; completes when all buckets have one. */
  default CompletableFuture<Void> raiseAll(List<Bucket> buckets, Fence proposed) {
    return Bounded.all(buckets, bucket -> raise(bucket, proposed)).thenApply(all -> null);
  }

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

  /**
   * Takes a document out of one bucket and puts it, changed, into the other, which may be the same,
   * in one step that both fences admit; fails with ShardingException if one of the new id is there.
   */
  CompletableFuture<Optional<Row>> move(
      ShardedCollection collection, Home from, String id, Home to, UnaryOperator<Row> change);

  /** Returns what {@link #move} fails with if the place is taken. */
  static ShardingException occupied(Bucket bucket, String id) {
    return new ShardingException(
        "bucket "
            + bucket
            + " has a document \""
            + Names.escape(id)
            + "\" already, which a move does not replace; nothing was written",
        null);
  }

  /** Returns whether documents can be moved from one bucket to the other in one step. */
  default boolean canMove(Bucket from, Bucket to) {
    return true;
  }

  CompletableFuture<Void> delete(ShardedCollection collection, Home home, String id);

  /**
   * Returns the first documents of a bucket that a plan selects, in its order; as of a time, which
   * {@link CatalogStore#now} gave not long ago, or now.
   */
  CompletableFuture<List<Row>> query(
      Bucket bucket, Plan plan, Optional<After> after, int limit, Optional<Instant> at);

  /** Returns how many documents of a bucket a plan selects. */
  CompletableFuture<Long> count(Bucket bucket, Plan plan);

  /** Returns the size of a bucket of so many documents, judged by {@code sample} of them. */
  CompletableFuture<Size> size(
      ShardedCollection collection, Bucket bucket, long documents, int sample);

  /** Returns how many queries and counts of one page are well asked at a time. */
  default int queriesAtOnce() {
    return Bounded.AT_ONCE;
  }

  void close();
}
