package dev.escalera.sharding.internal;

import static java.util.concurrent.TimeUnit.SECONDS;

import dev.escalera.sharding.Index;
import dev.escalera.sharding.Partitioning;
import dev.escalera.sharding.ShardQuery;
import dev.escalera.sharding.ShardedCollection;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;

/** What the contracts of stores have in common: two targets, and what is in them. */
public abstract class StoreContract {
  static final Fence OPEN = new Fence(Fence.Mode.OPEN, 1, 1);
  static final Fence FROZEN = new Fence(Fence.Mode.FROZEN, 1, 2);
  static final Fence RETIRED = new Fence(Fence.Mode.RETIRED, 1, 3);

  final String name = "f" + UUID.randomUUID().toString().replace("-", "");
  final ShardedCollection collection =
      ShardedCollection.named(name).partitionBy(Partitioning.hash(4)).index(Index.asc("v"));
  private int buckets;

  /**
   * Two targets, the catalog on the first of them.
   *
   * @param races how often writers race with a flip
   */
  public record Stores(
      BucketStore source, BucketStore destination, CatalogStore catalog, int races) {}

  /** Returns the same at each call of a test. */
  protected abstract Stores stores();

  final BucketStore source() {
    return stores().source();
  }

  final BucketStore destination() {
    return stores().destination();
  }

  final CatalogStore catalog() {
    return stores().catalog();
  }

  final Bucket bucket() {
    return new Bucket(name, "p" + buckets++, 0);
  }

  static Row row(String id, long value) {
    return new Row(id, Map.of("v", value));
  }

  final Map<String, Long> contents(Bucket bucket)
      throws InterruptedException, ExecutionException, TimeoutException {
    Optional<Fence> fence = done(source().fence(bucket));
    return fence.filter(f -> f.mode() == Fence.Mode.RETIRED).isPresent()
        ? Map.of()
        : contents(source(), bucket);
  }

  final Map<String, Long> contents(BucketStore store, Bucket bucket)
      throws InterruptedException, ExecutionException, TimeoutException {
    Plan all = Selection.of(collection, ShardQuery.from(name), false).plans().get(0);
    Map<String, Long> contents = new TreeMap<>();
    for (Row row : done(store.query(bucket, all, Optional.empty(), 1_000, Optional.empty()))) {
      contents.put(row.id(), (Long) row.fields().get("v"));
    }
    return contents;
  }

  static <T> T done(CompletableFuture<T> future)
      throws InterruptedException, ExecutionException, TimeoutException {
    try {
      return future.get(30, SECONDS);
    } catch (ExecutionException e) {
      throw new ExecutionException(cause(e));
    }
  }

  static Throwable cause(ExecutionException e) {
    return Router.unwrap(Objects.requireNonNull(e.getCause(), "cause"));
  }
}
