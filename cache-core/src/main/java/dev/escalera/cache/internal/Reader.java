package dev.escalera.cache.internal;

import dev.escalera.cache.CacheOptions;
import dev.escalera.cache.internal.Flights.AbandonedException;
import dev.escalera.cache.internal.Flights.Flight;
import dev.escalera.cache.internal.Lookup.Kind;
import dev.escalera.cache.internal.Outage.Entered;
import dev.escalera.cache.internal.RemoteTier.Sought;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The way of a read: L1, L2, a claim, the loader, and back. */
final class Reader<K, V> {
  /** How often those look who wait for another node and may not hear that it is done. */
  private static final long POLL_NANOS = 10_000_000;

  /** How often if they hear of it, or if the store never tells: there each look costs money. */
  private static final long LEASED_POLL_NANOS = 250_000_000;

  private static final long MILLI = 1_000_000;

  private final CacheOptions<K, V> options;
  private final Address.Book<K> addresses;
  private final LocalTier<K, V> local;
  private final @Nullable RemoteTier<V> remote;
  private final Lease lease;
  private final Waiters waiters;
  private final Pending pending;
  private final Counters counters;
  private final Platform platform;
  private final Rules rules;
  private final Lives<K, V> lives;
  private final Loaders<K> loaders;
  private final Loads<K, V> loads;
  private final Fills<K, V> fills;
  private final Flights<K, V> flights = new Flights<>();
  private final Outage<K, V> outage;
  private final Set<Object> refreshing = ConcurrentHashMap.newKeySet();

  Reader(
      Parts<K, V> parts,
      Address.Book<K> addresses,
      Waiters waiters,
      Lives<K, V> lives,
      Loaders<K> loaders,
      Loads<K, V> loads,
      Fills<K, V> fills) {
    this.options = parts.options();
    this.addresses = addresses;
    this.local = parts.local();
    this.remote = parts.remote();
    this.lease = parts.lease();
    this.waiters = waiters;
    this.pending = parts.pending();
    this.counters = parts.counters();
    this.platform = parts.platform();
    this.rules = parts.rules();
    this.lives = lives;
    this.loaders = loaders;
    this.loads = loads;
    this.fills = fills;
    this.outage = new Outage<>(parts);
  }

  /**
   * Returns the entry of L1 if it may be served to a call that came at a time: the lease must have
   * held then, and nothing be known by now that outdates it. Allocates nothing.
   */
  @Nullable Entry<V> hit(K key, long now) {
    Entry<V> entry = local.find(key);
    if (entry != null && local.isCoherent(entry, now)) {
      counters.l1Hits.increment();
      return entry;
    }
    return null;
  }

  /**
   * The same for one of many: what cannot be served is about to be replaced, so that only then it
   * counts as used.
   */
  @Nullable Entry<V> hitOfMany(K key, @Nullable Entry<V> entry, long now) {
    return entry != null && local.isCoherent(entry, now) ? hit(key, now) : null;
  }

  /** Begins to load a value anew before it expires, now and then. */
  void refresh(K key, Entry<V> entry, Loader<K, V> loader) {
    long now = platform.nanos();
    if (now - entry.early < 0 || !lives.isDueEarly(entry, now) || !refreshing.add(key)) {
      return;
    }
    counters.earlyRefreshes.increment();
    Trip<K, V> trip = trip(key, loader, platform.executor());
    platform.executor().execute(() -> refresh(trip, entry));
  }

  private void refresh(Trip<K, V> trip, Entry<V> entry) {
    CompletableFuture<?> done;
    RemoteTier<V> l2 = remote;
    if (l2 == null) {
      done = loads.load(trip, null);
    } else {
      done =
          l2.claim(trip.address, entry.nonce() == 0 ? RemoteTier.ANY : entry.nonce(), trip.budget)
              .thenComposeAsync(
                  claim -> {
                    if (claim instanceof Claim.Granted) {
                      return loads.load(trip, claim);
                    }
                    return claim instanceof Claim.Present present
                        ? l2.decode(present.found(), platform.nanos(), trip.budget)
                            .thenApply(
                                lookup ->
                                    lookup.kind() == Kind.FRESH ? fills.keep(trip, lookup) : null)
                        : CompletableFuture.completedFuture(null);
                  },
                  trip.steps);
    }
    // A refresh that fails is counted as a load that failed; the value lives on until it expires.
    done.whenComplete((outcome, failure) -> refreshing.remove(trip.key));
  }

  /** Looks a value up and loads none. */
  CompletableFuture<@Nullable Outcome<V>> peek(K key, Executor steps) {
    Loader<K, V> none = same -> CompletableFuture.completedFuture(null);
    Trip<K, V> trip = trip(key, none, steps);
    RemoteTier<V> l2 = remote;
    if (l2 == null) {
      return CompletableFuture.completedFuture(null);
    }
    return look(trip, l2)
        .thenApply(
            lookup ->
                switch (lookup.kind()) {
                  case FRESH -> fills.keep(trip, lookup);
                  case UNREACHABLE -> outage.serve(key);
                  default -> null;
                });
  }

  /** Joins the flight that runs for a key, or starts one whose steps the executor runs. */
  CompletableFuture<Outcome<V>> fly(K key, Loader<K, V> loader, Executor steps) {
    if (loaders.isLoading(key)) {
      throw Loaders.recursion();
    }
    Trip<K, V> trip = trip(key, loader, steps);
    Flight<V> flight = join(trip);
    if (flight == trip.flight) {
      flight.endAs(() -> start(trip));
      return flight.result;
    }
    return follow(flight, trip);
  }

  /** Waits for a flight of another trip; if it brings nothing that may be used, flies itself. */
  CompletableFuture<Outcome<V>> follow(Flight<V> flight, Trip<K, V> trip) {
    return orAgain(flight, () -> fly(trip.key, trip.loader, trip.steps), trip.steps);
  }

  private CompletableFuture<Outcome<V>> start(Trip<K, V> trip) {
    loads.bound(trip);
    Entry<V> entry = hit(trip.key, platform.nanos());
    // If there is one, the flight before this one ended between our look into L1 and here.
    return entry != null
        ? CompletableFuture.completedFuture(new Outcome<>(entry.value, null))
        : seek(trip);
  }

  private Trip<K, V> trip(K key, Loader<K, V> loader, Executor steps) {
    return trip(key, addresses.of(key), loader, steps);
  }

  Trip<K, V> trip(K key, Address address, Loader<K, V> loader, Executor steps) {
    long clock = local.now();
    Flight<V> own = new Flight<>(local.mark(address.hash()));
    return new Trip<>(key, address, own, loader, steps, budget(steps), clock);
  }

  Flight<V> join(Trip<K, V> trip) {
    boolean leased = lease.holds(platform.nanos());
    Mark mark = trip.flight.mark;
    return flights.join(trip.key, trip.flight, other -> rules.joins(other.mark, mark, leased));
  }

  private CompletableFuture<Outcome<V>> orAgain(
      Flight<V> flight, Supplier<CompletableFuture<Outcome<V>>> again, Executor steps) {
    // By hand: as stages it would be several futures for each of many who wait for one flight.
    CompletableFuture<Outcome<V>> mine = new CompletableFuture<>();
    flight.result.whenComplete(
        (outcome, failure) -> {
          boolean anew =
              failure == null
                  ? isDropped(outcome)
                  : Futures.unwrap(failure) instanceof AbandonedException;
          if (anew) {
            CompletableFuture.supplyAsync(again, steps)
                .thenCompose(result -> result)
                .whenComplete((other, e) -> Futures.end(mine, other, e));
          } else {
            Futures.end(mine, outcome, failure);
          }
        });
    return mine;
  }

  /**
   * Whether a tag was changed while the flight was under way: perhaps before the call joined it.
   */
  private boolean isDropped(Outcome<V> outcome) {
    for (String tag : outcome.tags()) {
      if (!local.isUnchangedSince(Address.tag(tag).hash(), outcome.clock())) {
        return true;
      }
    }
    return false;
  }

  private CompletableFuture<Outcome<V>> seek(Trip<K, V> trip) {
    RemoteTier<V> l2 = remote;
    return l2 == null
        ? loads.load(trip, null)
        : look(trip, l2).thenComposeAsync(lookup -> decide(trip, lookup), trip.steps);
  }

  private CompletableFuture<Lookup<V>> look(Trip<K, V> trip, RemoteTier<V> l2) {
    trip.clock = local.now();
    trip.mark = local.mark(trip.address.hash());
    Sought<V> sought = new Sought<>(trip.address, local.findAgain(trip.key));
    return isPending(trip.address)
        ? delivered(trip.address)
            .thenCompose(done -> l2.read(sought, trip.budget, trip.steps))
            .exceptionally(failure -> Lookup.of(Kind.UNREACHABLE))
        : l2.read(sought, trip.budget, trip.steps);
  }

  private boolean isPending(Address address) {
    return !pending.isEmpty() && pending.contains(new Pending.Item(address, false));
  }

  /** What this node has dropped and L2 has not confirmed is not to be read from it. */
  private CompletableFuture<@Nullable Void> delivered(Address address) {
    Pending.Item item = new Pending.Item(address, false);
    return pending.contains(item) ? pending.deliver(item) : CompletableFuture.completedFuture(null);
  }

  /** Looks values up for one call, whoever else does. */
  CompletableFuture<List<Lookup<V>>> look(
      List<Sought<V>> sought, RemoteTier<V> l2, Budget budget, Executor steps) {
    if (pending.isEmpty()) {
      return l2.read(sought, budget, steps);
    }
    List<CompletableFuture<Boolean>> delivered = new ArrayList<>();
    sought.forEach(
        each ->
            delivered.add(delivered(each.address()).handle((done, failure) -> failure == null)));
    return Futures.all(delivered).thenCompose(may -> look(sought, may, l2, budget, steps));
  }

  /** Looks those up that may be read; the others are as if L2 had not answered. */
  private static <V> CompletableFuture<List<Lookup<V>>> look(
      List<Sought<V>> sought, List<Boolean> may, RemoteTier<V> l2, Budget budget, Executor steps) {
    List<Sought<V>> asked = new ArrayList<>();
    for (int i = 0; i < may.size(); i++) {
      if (may.get(i)) {
        asked.add(sought.get(i));
      }
    }
    if (asked.isEmpty()) {
      return CompletableFuture.completedFuture(
          Collections.nCopies(may.size(), Lookup.of(Kind.UNREACHABLE)));
    }
    return l2.read(asked, budget, steps)
        .thenApply(
            found -> {
              Iterator<Lookup<V>> next = found.iterator();
              List<Lookup<V>> all = new ArrayList<>(may.size());
              may.forEach(each -> all.add(each ? next.next() : Lookup.of(Kind.UNREACHABLE)));
              return all;
            });
  }

  private CompletableFuture<Outcome<V>> decide(Trip<K, V> trip, Lookup<V> lookup) {
    return switch (lookup.kind()) {
      case FRESH -> CompletableFuture.completedFuture(fills.keep(trip, lookup));
      case UNREACHABLE -> loadAlone(trip);
      case MISSING, DROPPED, UNREADABLE, EXPIRED -> claim(trip, unwanted(trip, lookup, trip.mark));
    };
  }

  /**
   * Returns which value of L2 is of no use; keeps an expired one, for a load that fails, with what
   * stood before it was read.
   */
  long unwanted(Trip<K, V> trip, Lookup<V> lookup, Mark before) {
    Lookup.Stored<V> stored = lookup.stored();
    if (lookup.kind() == Kind.EXPIRED) {
      trip.expiredMark = before;
      trip.expired = stored;
    }
    return lookup.kind() == Kind.UNREADABLE ? RemoteTier.ANY : stored == null ? 0 : stored.nonce();
  }

  private CompletableFuture<Outcome<V>> claim(Trip<K, V> trip, long unwanted) {
    RemoteTier<V> l2 = remote;
    if (l2 == null) {
      return loads.load(trip, null);
    }
    long sent = platform.nanos();
    return l2.claim(trip.address, unwanted, trip.budget)
        .handle((claim, failure) -> failure == null ? claim : null)
        .thenComposeAsync(claim -> claimed(trip, l2, claim, sent), trip.steps);
  }

  CompletableFuture<Outcome<V>> claimed(
      Trip<K, V> trip, RemoteTier<V> l2, @Nullable Claim claim, long sent) {
    if (claim instanceof Claim.Busy busy) {
      return await(trip, l2, busy);
    }
    if (claim instanceof Claim.Present present) {
      return l2.decode(present.found(), sent, trip.budget)
          .thenComposeAsync(lookup -> decide(trip, lookup), trip.steps);
    }
    return loads.load(trip, claim);
  }

  private CompletableFuture<Outcome<V>> await(Trip<K, V> trip, RemoteTier<V> l2, Claim.Busy busy) {
    boolean often = l2.store().tellsLoads() && !lease.holds(platform.nanos());
    long left = busy.left().toNanos() + MILLI;
    return waiters
        .await(trip.address.hash(), Math.min(left, often ? POLL_NANOS : LEASED_POLL_NANOS))
        .thenComposeAsync(
            woken -> {
              if (trip.flight.result.isDone()) {
                return trip.flight.result;
              }
              // The wait was for a load and not for L2.
              trip.budget = budget(trip.steps);
              return seek(trip);
            },
            trip.steps);
  }

  /** Serves from L1 or loads, both without L2. */
  private CompletableFuture<Outcome<V>> loadAlone(Trip<K, V> trip) {
    Entered<V> entered = outage.enter(trip);
    if (!entered.isOwn()) {
      return orAlone(entered.flight(), trip);
    }
    entered.flight().endAs(() -> loads.load(trip, null));
    return entered.flight().result;
  }

  /** Waits for a load without L2; if it brings nothing that may be used, loads itself. */
  CompletableFuture<Outcome<V>> orAlone(Flight<V> flight, Trip<K, V> trip) {
    return orAgain(flight, () -> loadAlone(trip), trip.steps);
  }

  Entered<V> enterOutage(Trip<K, V> trip) {
    return outage.enter(trip);
  }

  Budget budget(Executor steps) {
    return new Budget(options.remoteBudget(), counters, platform, steps);
  }
}
