package dev.escalera.cache.internal;

import dev.escalera.cache.internal.RemoteTier.Filled;
import dev.escalera.cache.internal.TagBook.Known;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Brings what was loaded into both tiers, and what L2 held into L1; and ends claims. */
final class Fills<K, V> {
  private final LocalTier<K, V> local;
  private final @Nullable RemoteTier<V> remote;
  private final TagBook tags;
  private final Counters counters;
  private final Platform platform;
  private final Rules rules;
  private final Lives<K, V> lives;

  Fills(Parts<K, V> parts, Lives<K, V> lives) {
    this.local = parts.local();
    this.remote = parts.remote();
    this.tags = parts.tags();
    this.counters = parts.counters();
    this.platform = parts.platform();
    this.rules = parts.rules();
    this.lives = lives;
  }

  /** Fills a loaded value into both tiers, if nothing has outdated it. */
  CompletableFuture<Outcome<V>> store(
      Trip<K, V> trip, @Nullable Claim claim, @Nullable V value, long clock, long began) {
    Duration ttl = lives.ofLoaded(trip.key, value);
    if (ttl == null) {
      release(trip, claim);
      return CompletableFuture.completedFuture(new Outcome<>(value, counters.misses));
    }
    long took = platform.nanos() - began;
    Set<String> names = lives.tags(trip.key, value);
    Outcome<V> outcome = new Outcome<>(value, counters.misses, names, clock);
    if (names.isEmpty()) {
      return fill(trip, claim, outcome, ttl, began, took, Map.of());
    }
    if (remote != null && !(claim instanceof Claim.Granted)) {
      Map<String, Known> here = tags.hereSince(names, clock);
      return here == null
          ? CompletableFuture.completedFuture(outcome)
          : fill(trip, claim, outcome, ttl, began, took, here);
    }
    return tags.since(names, clock, began, trip.mark.generation(), trip.budget)
        .thenComposeAsync(
            known -> {
              if (known != null) {
                return fill(trip, claim, outcome, ttl, began, took, known);
              }
              counters.fillsRefused.increment();
              release(trip, claim);
              return CompletableFuture.completedFuture(outcome);
            },
            trip.steps);
  }

  private CompletableFuture<Outcome<V>> fill(
      Trip<K, V> trip,
      @Nullable Claim claim,
      Outcome<V> outcome,
      Duration ttl,
      long began,
      long took,
      Map<String, Known> known) {
    V value = outcome.value();
    RemoteTier<V> l2 = remote;
    long nonce = platform.nonce();
    CompletableFuture<Filled> filled =
        CompletableFuture.completedFuture(l2 == null ? Filled.STORED : Filled.UNKNOWN);
    if (l2 != null && claim instanceof Claim.Granted) {
      byte[] envelope;
      try {
        envelope = l2.encode(value, nonce, ttl, took, known);
      } catch (RefusedException e) {
        release(trip, claim);
        throw e;
      }
      filled = l2.fill(trip.address, claim, envelope, ttl, trip.budget);
    }
    return filled.thenApply(
        accepted -> {
          if (accepted != Filled.REFUSED) {
            Mark mark = local.borne(trip.mark);
            // L2 may hold another: coherent is what it holds.
            Mark bears = accepted == Filled.UNKNOWN ? rules.bearsPastStore(mark) : mark;
            local.store(
                trip.key,
                lives.entry(
                    value,
                    bears,
                    marks(known),
                    ttl.toNanos(),
                    0,
                    began,
                    took,
                    nonce,
                    platform.nanos()));
          }
          return outcome;
        });
  }

  static Mark @Nullable [] marks(Map<String, Known> known) {
    return known.isEmpty() ? null : known.values().stream().map(Known::mark).toArray(Mark[]::new);
  }

  /** Keeps in L1 what L2 holds, by the mark from before it was asked. */
  Outcome<V> keep(Trip<K, V> trip, Lookup<V> lookup) {
    Lookup.Stored<V> stored = keep(trip.key, trip.mark, lookup, platform.nanos());
    return new Outcome<>(stored.value(), counters.l2Hits, stored.tags().keySet(), trip.clock);
  }

  /** Keeps in L1 what L2 holds, by the mark from before it was asked; returns it. */
  Lookup.Stored<V> keep(K key, Mark before, Lookup<V> lookup, long now) {
    Lookup.Stored<V> stored = lookup.stored();
    if (stored == null) {
      throw new IllegalStateException("nothing to keep");
    }
    Mark[] marks = stored.tags().isEmpty() ? null : stored.tags().values().toArray(new Mark[0]);
    local.store(
        key,
        lives.entry(
            stored.value(),
            local.borne(before),
            marks,
            stored.ttl(),
            stored.age(),
            now - stored.age() - stored.load(),
            stored.load(),
            stored.nonce(),
            now));
    return stored;
  }

  /** Lets the claim stand as long as the load runs. */
  void extend(Trip<K, V> trip, @Nullable Claim claim, CompletableFuture<?> loaded) {
    RemoteTier<V> l2 = remote;
    if (l2 == null || !(claim instanceof Claim.Granted)) {
      return;
    }
    platform.after(
        l2.store().claimLife().toNanos() / 3,
        () -> {
          if (!loaded.isDone()) {
            l2.store().extend(trip.address, claim);
            extend(trip, claim, loaded);
          }
        });
  }

  void release(Trip<K, V> trip, @Nullable Claim claim) {
    RemoteTier<V> l2 = remote;
    if (l2 != null && claim instanceof Claim.Granted) {
      l2.store().release(trip.address, claim);
    }
  }
}
