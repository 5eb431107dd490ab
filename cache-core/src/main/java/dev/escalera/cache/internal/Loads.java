package dev.escalera.cache.internal;

import dev.escalera.cache.CacheOptions;
import dev.escalera.cache.internal.Flights.AbandonedException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Runs loads: each in its turn, within its time-outs, and with what becomes of it. */
final class Loads<K, V> {
  private final CacheOptions<K, V> options;
  private final LocalTier<K, V> local;
  private final Counters counters;
  private final Platform platform;
  private final Loaders<K> loaders;
  private final Turns turns;
  private final Fills<K, V> fills;
  private final Stale<K, V> stale;

  Loads(Parts<K, V> parts, Loaders<K> loaders, Turns turns, Fills<K, V> fills) {
    this.options = parts.options();
    this.local = parts.local();
    this.counters = parts.counters();
    this.platform = parts.platform();
    this.loaders = loaders;
    this.turns = turns;
    this.fills = fills;
    this.stale = new Stale<>(parts);
  }

  /** Loads one value, in its turn. */
  CompletableFuture<Outcome<V>> load(Trip<K, V> trip, @Nullable Claim claim) {
    long wait = turns.take(1);
    if (wait <= 0) {
      return loadNow(trip, claim);
    }
    CompletableFuture<@Nullable Void> turn = new CompletableFuture<>();
    platform.after(wait, () -> turn.complete(null));
    fills.extend(trip, claim, turn);
    return turn.thenComposeAsync(done -> loadNow(trip, claim), trip.steps);
  }

  private CompletableFuture<Outcome<V>> loadNow(Trip<K, V> trip, @Nullable Claim claim) {
    boolean bounded = isBounded();
    Executor runs = bounded ? platform.executor() : trip.steps;
    Begun begun = begin();
    Supplier<CompletableFuture<@Nullable V>> loader =
        () -> loaders.run(Set.of(trip.key), () -> trip.loader.load(trip.key));
    CompletableFuture<@Nullable V> loaded =
        bounded
            ? CompletableFuture.supplyAsync(loader, runs).thenCompose(stage -> stage)
            : loader.get();
    return loaded(trip, claim, loaded, begun, runs);
  }

  /** Whether loads may be left behind, so that they need a thread of their own. */
  boolean isBounded() {
    return options.softTimeout() != null || options.hardTimeout() != null;
  }

  /**
   * When a load began.
   *
   * @param clock the number of the last change then
   */
  record Begun(long clock, long nanos) {}

  Begun begin() {
    counters.loads.increment();
    return new Begun(local.now(), platform.nanos());
  }

  /** Goes on once a load has ended. */
  CompletableFuture<Outcome<V>> loaded(
      Trip<K, V> trip,
      @Nullable Claim claim,
      CompletableFuture<@Nullable V> loaded,
      Begun begun,
      Executor runs) {
    fills.extend(trip, claim, loaded);
    return loaded
        .handleAsync(
            (value, failure) -> {
              counters.loadNanos.add(platform.nanos() - begun.nanos);
              if (failure == null) {
                return fills.store(trip, claim, value, begun.clock, begun.nanos);
              }
              counters.loadFailures.increment();
              fills.release(trip, claim);
              Outcome<V> kept =
                  Futures.unwrap(failure) instanceof AbandonedException ? null : stale.find(trip);
              return kept != null
                  ? CompletableFuture.completedFuture(kept)
                  : CompletableFuture.<Outcome<V>>failedFuture(Futures.unwrap(failure));
            },
            runs)
        .thenCompose(outcome -> outcome);
  }

  /** Ends a flight by its time-outs; what it does goes on. */
  void bound(Trip<K, V> trip) {
    Duration soft = options.softTimeout();
    if (soft != null) {
      platform.after(
          soft.toNanos(),
          () -> {
            Outcome<V> kept = stale.find(trip);
            if (kept != null) {
              trip.flight.result.complete(kept);
            }
          });
    }
    Duration hard = options.hardTimeout();
    if (hard != null) {
      platform.after(
          hard.toNanos(),
          () ->
              trip.flight.result.completeExceptionally(
                  new TimeoutException("the load took longer than " + hard)));
    }
  }
}
