package dev.escalera.sharding.internal;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Which buckets of one collection exist, and who has them: what this process registered, and what
 * the store said not long ago. It may be old; fences are what a write relies on.
 */
final class Catalog {
  private final String collection;
  private final CatalogStore store;
  private final Function<Bucket, String> proposedOwner;
  private final LongSupplier nanoTime;
  private final long ttlNanos;
  private final LongAdder made;
  private final Map<Bucket, Entry> known = new ConcurrentHashMap<>();
  private volatile @Nullable Listed listed;

  /** What {@link #all} gives, as of the number of changes; made anew when there were more. */
  private volatile Sorted sorted = new Sorted(-1, List.of());

  private final AtomicLong changes = new AtomicLong();

  /** A listing that was asked for at some time, and its version. */
  private record Listed(long at, CompletableFuture<String> version) {}

  private record Sorted(long changes, List<Entry> entries) {}

  Catalog(
      String collection,
      CatalogStore store,
      Function<Bucket, String> proposedOwner,
      LongSupplier nanoTime,
      Duration ttl,
      LongAdder made) {
    this.collection = collection;
    this.store = store;
    this.proposedOwner = proposedOwner;
    this.nanoTime = nanoTime;
    this.ttlNanos = ttl.toNanos();
    this.made = made;
  }

  /** Returns an entry, as it is known; else as the store has it, which is made if it has none. */
  CompletableFuture<Entry> ensure(Bucket bucket) {
    Entry entry = known.get(bucket);
    return entry != null
        ? CompletableFuture.completedFuture(entry)
        : ensure(List.of(bucket)).thenApply(entries -> entries.get(bucket));
  }

  CompletableFuture<Map<Bucket, Entry>> ensure(Collection<Bucket> buckets) {
    List<Entry> fresh = new ArrayList<>();
    for (Bucket bucket : Set.copyOf(buckets)) {
      if (!known.containsKey(bucket)) {
        fresh.add(new Entry(bucket, proposedOwner.apply(bucket), 1, 1));
      }
    }
    return fresh.isEmpty()
        ? CompletableFuture.completedFuture(known)
        : store
            .register(fresh)
            .thenApply(
                standing -> {
                  standing.forEach(this::learn);
                  // Nearly: two who register at once may both have been the first.
                  made.add(standing.stream().filter(fresh::contains).count());
                  return known;
                });
  }

  /** Returns an entry as it is known; else as the store has it, if it has one. */
  CompletableFuture<Optional<Entry>> find(Bucket bucket) {
    Entry entry = known.get(bucket);
    return entry == null ? reread(bucket) : CompletableFuture.completedFuture(Optional.of(entry));
  }

  /** Returns those entries of some buckets that there are, of late. */
  CompletableFuture<List<Entry>> find(List<Bucket> buckets) {
    return all()
        .thenCompose(
            entries -> {
              List<Bucket> unknown =
                  buckets.stream().filter(bucket -> !known.containsKey(bucket)).toList();
              return unknown.isEmpty()
                  ? CompletableFuture.completedFuture(List.<Optional<Entry>>of())
                  : store.read(unknown);
            })
        .thenApply(
            found -> {
              found.forEach(entry -> entry.ifPresent(this::learn));
              return buckets.stream()
                  .flatMap(bucket -> Optional.ofNullable(known.get(bucket)).stream())
                  .toList();
            });
  }

  /** Returns an entry as it is known, if it is. */
  Optional<Entry> peek(Bucket bucket) {
    return Optional.ofNullable(known.get(bucket));
  }

  /** Returns an entry as the store has it now. */
  CompletableFuture<Optional<Entry>> reread(Bucket bucket) {
    return store
        .read(List.of(bucket))
        .thenApply(
            found -> {
              Optional<Entry> entry = found.get(0);
              if (entry.isEmpty() && known.remove(bucket) != null) {
                changes.incrementAndGet();
              }
              return entry.map(this::learn);
            });
  }

  /**
   * Returns the entries, by name; one that another process made or changed may be missing or old
   * for as long as a listing serves.
   */
  CompletableFuture<List<Entry>> all() {
    Listed current = listed;
    if (current == null
        || nanoTime.getAsLong() - current.at() > ttlNanos
        || current.version().isCompletedExceptionally()) {
      current = new Listed(nanoTime.getAsLong(), list(current));
      listed = current;
    }
    return current.version().thenApply(version -> sorted());
  }

  /** Learns what the store lists, if it has changed since the listing before; gives its version. */
  private CompletableFuture<String> list(@Nullable Listed before) {
    String version =
        before == null || before.version().isCompletedExceptionally()
            ? ""
            : before.version().getNow("");
    return store
        .list(collection, version)
        .thenApply(
            listing -> {
              listing.entries().ifPresent(entries -> entries.forEach(this::learn));
              return listing.version();
            });
  }

  private List<Entry> sorted() {
    long now = changes.get();
    Sorted last = sorted;
    if (last.changes() != now) {
      last =
          new Sorted(
              now,
              known.values().stream()
                  .sorted(Comparator.comparing((Entry entry) -> entry.bucket().name()))
                  .toList());
      sorted = last;
    }
    return last.entries();
  }

  /** Takes note of an entry, unless a later one is known; returns the later one. */
  private Entry learn(Entry entry) {
    Entry later =
        known.merge(entry.bucket(), entry, (old, fresh) -> fresh.term() > old.term() ? fresh : old);
    // After the change: who sorts before it does so again.
    changes.incrementAndGet();
    return later;
  }
}
