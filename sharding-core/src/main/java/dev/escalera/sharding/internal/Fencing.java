package dev.escalera.sharding.internal;

import dev.escalera.sharding.ShardingException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Calls to the buckets of one collection: as the catalog is known, and again as it is now when a
 * fence refuses. A refusal means that nothing was written, so that to call again is safe.
 */
final class Fencing {
  private static final long MAX_PAUSE_MILLIS = 50;
  private static final int MAX_REPAIRS = 10;

  private final Catalog catalog;
  private final Targets targets;
  private final Settings settings;
  private final LongAdder refusals;

  Fencing(Catalog catalog, Targets targets, Settings settings, LongAdder refusals) {
    this.catalog = catalog;
    this.targets = targets;
    this.settings = settings;
    this.refusals = refusals;
  }

  /** Calls for a bucket, which is entered into the catalog if it is not. */
  <T> CompletableFuture<T> put(
      Bucket bucket, BiFunction<BucketStore, BucketStore.Home, CompletableFuture<T>> call) {
    return again(() -> catalog.ensure(bucket).thenCompose(entry -> called(entry, call)));
  }

  /** Calls for a bucket; answers {@code nothing} if there is none. */
  <T> CompletableFuture<T> change(
      Bucket bucket,
      T nothing,
      BiFunction<BucketStore, BucketStore.Home, CompletableFuture<T>> call) {
    return again(
        () ->
            catalog
                .find(bucket)
                .thenCompose(
                    entry ->
                        entry.isEmpty()
                            ? CompletableFuture.completedFuture(nothing)
                            : called(entry.get(), call)));
  }

  /** What is called for two buckets of one store. */
  @FunctionalInterface
  interface Moving<T> {
    CompletableFuture<T> apply(BucketStore store, BucketStore.Home from, BucketStore.Home to);
  }

  /**
   * Calls for two buckets, the second of which is entered into the catalog if it is not; answers
   * {@code nothing} if there is no first. Fails with IllegalArgumentException if no one step of a
   * store spans both.
   */
  <T> CompletableFuture<T> move(Bucket from, Bucket to, T nothing, Moving<T> call) {
    return again(
        () ->
            catalog
                .find(from)
                .thenCompose(
                    entry ->
                        entry.isEmpty()
                            ? CompletableFuture.completedFuture(nothing)
                            : moved(entry.get(), to, call)));
  }

  private <T> CompletableFuture<T> moved(Entry from, Bucket to, Moving<T> call) {
    return catalog
        .find(to)
        .thenCompose(
            found -> {
              // Not entered if it would be in vain.
              checkTogether(from, found.orElseGet(() -> catalog.proposed(to)));
              return catalog.ensure(to);
            })
        .thenCompose(
            entry -> {
              checkTogether(from, entry);
              return call.apply(
                  targets.store(from.owner()),
                  new BucketStore.Home(from.bucket(), from.epoch()),
                  new BucketStore.Home(entry.bucket(), entry.epoch()));
            });
  }

  private void checkTogether(Entry from, Entry to) {
    if (!from.owner().equals(to.owner())
        || !targets.store(from.owner()).canMove(from.bucket(), to.bucket())) {
      throw new IllegalArgumentException(
          "the change would move the document from bucket "
              + from.bucket().name()
              + " on target "
              + from.owner()
              + " to bucket "
              + to.bucket().name()
              + " on target "
              + to.owner()
              + ", which are not written in one step; put it anew and delete this one");
    }
  }

  /** Reads a bucket where it is of late; answers {@code nothing} if there is none. */
  <T> CompletableFuture<T> read(
      Bucket bucket, T nothing, Function<BucketStore, CompletableFuture<T>> call) {
    if (targets.isOne()) {
      return call.apply(targets.first());
    }
    return again(
        () ->
            catalog
                .find(List.of(bucket))
                .thenCompose(
                    entries ->
                        entries.isEmpty()
                            ? CompletableFuture.completedFuture(nothing)
                            : called(entries.get(0), (store, home) -> call.apply(store))));
  }

  /** Runs what may be refused by a fence, until it is not, or patience is at an end. */
  <T> CompletableFuture<T> again(Supplier<CompletableFuture<T>> work) {
    return again(work, new Attempts());
  }

  /** The attempts of one call so far. */
  final class Attempts {
    private final Map<Bucket, Integer> repairs = new ConcurrentHashMap<>();
    private int number;

    /** Until when to wait, from the first refusal on; guarded by the order of the attempts. */
    private long end;

    /**
     * Learns why a call was refused, and repairs a fence that was never put; completes when it may
     * be tried again, or fails.
     */
    CompletableFuture<Void> admit(FencedException refusal) {
      refusals.increment();
      long now = settings.nanoTime().getAsLong();
      if (number++ == 0) {
        end = now + settings.patience().toNanos();
      }
      Bucket bucket = refusal.bucket();
      Optional<Entry> before = catalog.peek(bucket);
      return catalog
          .reread(bucket)
          .thenCompose(
              entry -> {
                if (entry.isPresent() && refusal.fence().isEmpty() && mayRepair(bucket)) {
                  Entry found = entry.get();
                  Fence fence = new Fence(Fence.Mode.OPEN, found.epoch(), found.term());
                  return targets.store(found.owner()).raise(bucket, fence).thenApply(f -> null);
                }
                if (now - end > 0) {
                  return CompletableFuture.failedFuture(
                      new ShardingException(
                          refusal.getMessage() + " and did not open; nothing was written",
                          refusal));
                }
                return number > 1 || entry.equals(before)
                    ? pause()
                    : CompletableFuture.completedFuture(null);
              });
    }

    private boolean mayRepair(Bucket bucket) {
      return repairs.merge(bucket, 1, Integer::sum) <= MAX_REPAIRS;
    }

    private CompletableFuture<Void> pause() {
      long most = Math.min(MAX_PAUSE_MILLIS, 1L << Math.min(number, 6));
      long pause = 1 + ThreadLocalRandom.current().nextLong(most);
      return CompletableFuture.runAsync(
          () -> {}, CompletableFuture.delayedExecutor(pause, TimeUnit.MILLISECONDS));
    }
  }

  private <T> CompletableFuture<T> again(Supplier<CompletableFuture<T>> work, Attempts attempts) {
    return work.get()
        .exceptionallyCompose(
            failure ->
                Router.unwrap(failure) instanceof FencedException refusal
                    ? attempts.admit(refusal).thenCompose(admitted -> again(work, attempts))
                    : CompletableFuture.failedFuture(failure));
  }

  private <T> CompletableFuture<T> called(
      Entry entry, BiFunction<BucketStore, BucketStore.Home, CompletableFuture<T>> call) {
    BucketStore store = targets.store(entry.owner());
    return call.apply(store, new BucketStore.Home(entry.bucket(), entry.epoch()));
  }
}
