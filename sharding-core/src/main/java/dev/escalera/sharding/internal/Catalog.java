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
  private final Function<List<Entry>, CompletableFuture<Void>> onMade;
  private final Map<Bucket, Entry> known = new ConcurrentHashMap<>();
  private volatile @Nullable Listed listed;

  /** What {@link #all} gives, as of the number of changes; made anew when there were more. */
  private volatile Sorted sorted = new Sorted(-1, List.of());

  private final AtomicLong changes = new AtomicLong();

  /** A listing that was asked for at some time, and its version. */
  private record Listed(long at, CompletableFuture<String> version) {}

  private record Sorted(long changes, List<Entry> entries) {}

  /**
   * Has {@code onMade} put the fences of buckets that were just made, before anyone here knows
   * them.
   */
  Catalog(
      String collection,
      CatalogStore store,
      Function<Bucket, String> proposedOwner,
      LongSupplier nanoTime,
      Duration ttl,
      Function<List<Entry>, CompletableFuture<Void>> onMade) {
    this.collection = collection;
    this.store = store;
    this.proposedOwner = proposedOwner;
    this.nanoTime = nanoTime;
    this.ttlNanos = ttl.toNanos();
    this.onMade = onMade;
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
        fresh.add(proposed(bucket));
      }
    }
    return fresh.isEmpty()
        ? CompletableFuture.completedFuture(known)
        : store
            .register(fresh)
            .thenCompose(
                standing ->
                    onMade
                        .apply(made(standing))
                        .thenApply(
                            fenced -> {
                              standing.forEach(each -> learn(each.entry()));
                              return known;
                            }));
  }

  private static List<Entry> made(List<CatalogStore.Registered> standing) {
    return standing.stream()
        .filter(CatalogStore.Registered::isNew)
        .map(CatalogStore.Registered::entry)
        .toList();
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

  /** Returns the entry that a bucket would get. */
  Entry proposed(Bucket bucket) {
    return new Entry(bucket, proposedOwner.apply(bucket), 1, 1);
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
