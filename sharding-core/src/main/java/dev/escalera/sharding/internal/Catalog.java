package dev.escalera.sharding.internal;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Which buckets of one collection exist: what this process registered, and what the store named not
 * long ago.
 */
final class Catalog {
  private static final long TTL_NANOS = Duration.ofSeconds(5).toNanos();

  private final String collection;
  private final BucketStore store;
  private final LongSupplier nanoTime;
  private final Set<Bucket> known = ConcurrentHashMap.newKeySet();
  private volatile @Nullable Listing listing;
  private volatile List<Bucket> sorted = List.of();

  private record Listing(long at, CompletableFuture<Void> done) {}

  Catalog(String collection, BucketStore store, LongSupplier nanoTime) {
    this.collection = collection;
    this.store = store;
    this.nanoTime = nanoTime;
  }

  /** Completes when the store knows the buckets. */
  CompletableFuture<Void> ensure(Collection<Bucket> buckets) {
    List<Bucket> fresh = new ArrayList<>();
    for (Bucket bucket : Set.copyOf(buckets)) {
      if (!known.contains(bucket)) {
        fresh.add(bucket);
      }
    }
    if (fresh.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    return store.register(fresh).thenRun(() -> known.addAll(fresh));
  }

  /**
   * Returns the buckets, by name; one that another process made may be missing for as long as a
   * listing serves.
   */
  CompletableFuture<List<Bucket>> buckets() {
    Listing current = listing;
    if (current == null
        || nanoTime.getAsLong() - current.at() > TTL_NANOS
        || current.done().isCompletedExceptionally()) {
      current =
          new Listing(
              nanoTime.getAsLong(),
              store
                  .buckets(collection)
                  .thenAccept(
                      names ->
                          names.forEach(
                              name -> Bucket.parse(collection, name).ifPresent(known::add))));
      listing = current;
    }
    return current.done().thenApply(done -> sorted());
  }

  private List<Bucket> sorted() {
    List<Bucket> last = sorted;
    // Buckets are only added: as many are the same ones.
    if (last.size() != known.size()) {
      last = known.stream().sorted(Comparator.comparing(Bucket::name)).toList();
      sorted = last;
    }
    return last;
  }
}
