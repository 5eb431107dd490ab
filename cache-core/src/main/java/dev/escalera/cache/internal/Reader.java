package dev.escalera.cache.internal;

import dev.escalera.cache.CacheOptions;
import dev.escalera.cache.internal.Flights.AbandonedException;
import dev.escalera.cache.internal.Flights.Flight;
import dev.escalera.cache.internal.Lookup.Kind;
import dev.escalera.cache.internal.Outage.Entered;
import dev.escalera.cache.internal.RemoteTier.Filled;
import dev.escalera.cache.internal.TagBook.Known;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The way of a read: L1, L2, a claim, the loader, and back. */
final class Reader<K, V> {
  /** How often those look who wait for another node and may not hear that it is done. */
  private static final long POLL_NANOS = 10_000_000;

  private static final long LEASED_POLL_NANOS = 250_000_000;

  private static final long MILLI = 1_000_000;

  private final CacheOptions<K, V> options;
  private final Address.Book<K> addresses;
  private final LocalTier<K, V> local;
  private final @Nullable RemoteTier<V> remote;
  private final TagBook tags;
  private final Lease lease;
  private final Waiters waiters;
  private final Pending pending;
  private final Counters counters;
  private final Platform platform;
  private final Rules rules;
  private final Lives<K, V> lives;
  private @Nullable Recovery<K, V> recovery;
  private final Flights<K, V> flights = new Flights<>();
  private final Outage<K, V> outage;
  private final Set<Loading> loading = ConcurrentHashMap.newKeySet();
  private final Set<Object> refreshing = ConcurrentHashMap.newKeySet();

  /** A loader that runs in a thread. */
  private record Loading(Thread thread, Object key) {}

  Reader(
      CacheOptions<K, V> options,
      Address.Book<K> addresses,
      LocalTier<K, V> local,
      @Nullable RemoteTier<V> remote,
      TagBook tags,
      Lease lease,
      Waiters waiters,
      Pending pending,
      Counters counters,
      Platform platform,
      Rules rules) {
    this.options = options;
    this.addresses = addresses;
    this.local = local;
    this.remote = remote;
    this.tags = tags;
    this.lease = lease;
    this.waiters = waiters;
    this.pending = pending;
    this.counters = counters;
    this.platform = platform;
    this.rules = rules;
    this.lives = new Lives<>(options, platform);
    this.outage = new Outage<>(options, local, counters, platform);
  }

  /** Returns the entry of L1 if it may be served; allocates nothing. */
  @Nullable Entry<V> hit(K key) {
    Entry<V> entry = local.find(key);
    if (entry != null && local.isCoherent(entry, platform.nanos())) {
      counters.l1Hits.increment();
      return entry;
    }
    return null;
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
      done = load(trip, null);
    } else {
      done =
          l2.claim(trip.address, entry.nonce() == 0 ? RemoteTier.ANY : entry.nonce(), trip.budget)
              .thenComposeAsync(
                  claim -> {
                    if (claim instanceof Claim.Granted) {
                      return load(trip, claim);
                    }
                    return claim instanceof Claim.Present present
                        ? l2.decode(present.found(), platform.nanos(), trip.budget)
                            .thenApply(
                                lookup -> lookup.kind() == Kind.FRESH ? keep(trip, lookup) : null)
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
                  case FRESH -> keep(trip, lookup);
                  case UNREACHABLE -> outage.serve(key);
                  default -> null;
                });
  }

  /** Joins the flight that runs for a key, or starts one whose steps the executor runs. */
  CompletableFuture<Outcome<V>> fly(K key, Loader<K, V> loader, Executor steps) {
    refuseRecursion(key);
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
    bound(trip);
    Entry<V> entry = hit(trip.key);
    // If there is one, the flight before this one ended between our look into L1 and here.
    return entry != null
        ? CompletableFuture.completedFuture(new Outcome<>(entry.value, null))
        : seek(trip);
  }

  Trip<K, V> trip(K key, Loader<K, V> loader, Executor steps) {
    Address address = addresses.of(key);
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
    return flight
        .result
        .handle(
            (outcome, failure) -> {
              boolean anew =
                  failure == null
                      ? isDropped(outcome)
                      : Futures.unwrap(failure) instanceof AbandonedException;
              return anew
                  ? CompletableFuture.supplyAsync(again, steps).thenCompose(result -> result)
                  : flight.result;
            })
        .thenCompose(result -> result);
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

  private void refuseRecursion(K key) {
    if (isLoading(key)) {
      throw recursion();
    }
  }

  static RefusedException recursion() {
    return new RefusedException("the loader asks the cache for the key that it loads", null);
  }

  /** Whether this thread runs the loader of a key: it would wait for itself. */
  boolean isLoading(K key) {
    return loading.contains(new Loading(Thread.currentThread(), key));
  }

  /** Ends a flight by its time-outs; what it does goes on. */
  void bound(Trip<K, V> trip) {
    Duration soft = options.softTimeout();
    if (soft != null) {
      platform.after(
          soft.toNanos(),
          () -> {
            Outcome<V> stale = stale(trip);
            if (stale != null) {
              trip.flight.result.complete(stale);
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

  private CompletableFuture<Outcome<V>> seek(Trip<K, V> trip) {
    RemoteTier<V> l2 = remote;
    return l2 == null
        ? load(trip, null)
        : look(trip, l2).thenComposeAsync(lookup -> decide(trip, lookup), trip.steps);
  }

  private CompletableFuture<Lookup<V>> look(Trip<K, V> trip, RemoteTier<V> l2) {
    trip.clock = local.now();
    trip.mark = local.mark(trip.address.hash());
    return isPending(trip.address)
        ? delivered(trip.address)
            .thenCompose(done -> l2.read(trip.address, trip.budget, trip.steps))
            .exceptionally(failure -> Lookup.of(Kind.UNREACHABLE))
        : l2.read(trip.address, trip.budget, trip.steps);
  }

  private boolean isPending(Address address) {
    return !pending.isEmpty() && pending.contains(new Pending.Item(address, false));
  }

  /** What this node has dropped and L2 has not confirmed is not to be read from it. */
  CompletableFuture<@Nullable Void> delivered(Address address) {
    Pending.Item item = new Pending.Item(address, false);
    return pending.contains(item) ? pending.deliver(item) : CompletableFuture.completedFuture(null);
  }

  private CompletableFuture<Outcome<V>> decide(Trip<K, V> trip, Lookup<V> lookup) {
    return switch (lookup.kind()) {
      case FRESH -> CompletableFuture.completedFuture(keep(trip, lookup));
      case UNREACHABLE -> loadAlone(trip);
      case MISSING, DROPPED, UNREADABLE, EXPIRED -> claim(trip, unwanted(trip, lookup));
    };
  }

  /** Returns which value of L2 is of no use; keeps an expired one, for a load that fails. */
  long unwanted(Trip<K, V> trip, Lookup<V> lookup) {
    Lookup.Stored<V> stored = lookup.stored();
    if (lookup.kind() == Kind.EXPIRED) {
      trip.expiredMark = trip.mark;
      trip.expired = stored;
    }
    return lookup.kind() == Kind.UNREADABLE ? RemoteTier.ANY : stored == null ? 0 : stored.nonce();
  }

  private CompletableFuture<Outcome<V>> claim(Trip<K, V> trip, long unwanted) {
    RemoteTier<V> l2 = remote;
    if (l2 == null) {
      return load(trip, null);
    }
    long sent = platform.nanos();
    return l2.claim(trip.address, unwanted, trip.budget)
        .handle((claim, failure) -> failure == null ? claim : null)
        .thenComposeAsync(claim -> claimed(trip, l2, claim, sent), trip.steps);
  }

  CompletableFuture<Outcome<V>> claimed(
      Trip<K, V> trip, RemoteTier<V> l2, @Nullable Claim claim, long sent) {
    if (claim instanceof Claim.Busy busy) {
      return await(trip, busy);
    }
    if (claim instanceof Claim.Present present) {
      return l2.decode(present.found(), sent, trip.budget)
          .thenComposeAsync(lookup -> decide(trip, lookup), trip.steps);
    }
    return load(trip, claim);
  }

  private CompletableFuture<Outcome<V>> await(Trip<K, V> trip, Claim.Busy busy) {
    boolean told = lease.holds(platform.nanos());
    long left = busy.left().toNanos() + MILLI;
    return waiters
        .await(trip.address.hash(), Math.min(left, told ? LEASED_POLL_NANOS : POLL_NANOS))
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
    entered.flight().endAs(() -> load(trip, null));
    return entered.flight().result;
  }

  /** Waits for a load without L2; if it brings nothing that may be used, loads itself. */
  CompletableFuture<Outcome<V>> orAlone(Flight<V> flight, Trip<K, V> trip) {
    return orAgain(flight, () -> loadAlone(trip), trip.steps);
  }

  Entered<V> enterOutage(Trip<K, V> trip) {
    return outage.enter(trip);
  }

  private CompletableFuture<Outcome<V>> load(Trip<K, V> trip, @Nullable Claim claim) {
    long wait = turn(1);
    if (wait <= 0) {
      return loadNow(trip, claim);
    }
    CompletableFuture<@Nullable Void> turn = new CompletableFuture<>();
    platform.after(wait, () -> turn.complete(null));
    extend(trip, claim, turn);
    return turn.thenComposeAsync(done -> loadNow(trip, claim), trip.steps);
  }

  /** Returns for how long as many loads have to wait, in nanoseconds. */
  long turn(int loads) {
    Recovery<K, V> recovers = recovery;
    return recovers == null ? 0 : recovers.turn(loads);
  }

  void recoversBy(@Nullable Recovery<K, V> by) {
    this.recovery = by;
  }

  private CompletableFuture<Outcome<V>> loadNow(Trip<K, V> trip, @Nullable Claim claim) {
    boolean bounded = isBounded();
    Executor runs = bounded ? platform.executor() : trip.steps;
    Begun begun = begin();
    Supplier<CompletableFuture<@Nullable V>> loader =
        () -> run(Set.of(trip.key), () -> trip.loader.load(trip.key));
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
    extend(trip, claim, loaded);
    return loaded
        .handleAsync(
            (value, failure) -> {
              counters.loadNanos.add(platform.nanos() - begun.nanos);
              if (failure == null) {
                return store(trip, claim, value, begun.clock, begun.nanos);
              }
              counters.loadFailures.increment();
              release(trip, claim);
              Outcome<V> stale =
                  Futures.unwrap(failure) instanceof AbandonedException ? null : stale(trip);
              return stale != null
                  ? CompletableFuture.completedFuture(stale)
                  : CompletableFuture.<Outcome<V>>failedFuture(Futures.unwrap(failure));
            },
            runs)
        .thenCompose(outcome -> outcome);
  }

  /** Runs a loader of keys in this thread. */
  <T> CompletableFuture<T> run(Set<K> keys, Supplier<CompletableFuture<T>> loader) {
    List<Loading> here = new ArrayList<>(keys.size());
    keys.forEach(key -> here.add(new Loading(Thread.currentThread(), key)));
    loading.addAll(here);
    try {
      return loader.get();
    } catch (Throwable e) {
      // An Error too: those who wait for this load must learn of it.
      return CompletableFuture.failedFuture(
          Thread.currentThread().isInterrupted() || isInterruption(e)
              ? new AbandonedException(e)
              : e);
    } finally {
      here.forEach(loading::remove);
    }
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

  /** Returns an expired value of a tier that nothing has outdated since. */
  @Nullable Outcome<V> stale(Trip<K, V> trip) {
    long window = options.staleIfError().toNanos();
    if (window == 0) {
      return null;
    }
    long now = platform.nanos();
    Entry<V> entry = local.find(trip.key);
    if (entry != null && now - entry.kept() < 0 && local.isUnrefuted(entry)) {
      return new Outcome<>(entry.value, counters.staleServed);
    }
    Lookup.Stored<V> expired = trip.expired;
    Mark mark = trip.expiredMark;
    return expired != null
            && mark != null
            && local.stands(mark)
            && expired.age() < expired.ttl() + window
        ? new Outcome<>(expired.value(), counters.staleServed)
        : null;
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
                trip.key, lives.entry(value, bears, marks(known), ttl, 0, began, took, nonce));
          }
          return outcome;
        });
  }

  static Mark @Nullable [] marks(Map<String, Known> known) {
    return known.isEmpty() ? null : known.values().stream().map(Known::mark).toArray(Mark[]::new);
  }

  Outcome<V> keep(Trip<K, V> trip, Lookup<V> lookup) {
    Lookup.Stored<V> stored = lookup.stored();
    if (stored == null) {
      throw new IllegalStateException("nothing to keep");
    }
    Mark[] marks = stored.tags().values().toArray(new Mark[0]);
    local.store(
        trip.key,
        lives.entry(
            stored.value(),
            local.borne(trip.mark),
            marks,
            Duration.ofNanos(stored.ttl()),
            stored.age(),
            platform.nanos() - stored.age() - stored.load(),
            stored.load(),
            stored.nonce()));
    return new Outcome<>(stored.value(), counters.l2Hits, stored.tags().keySet(), trip.clock);
  }

  private Budget budget(Executor steps) {
    return new Budget(options.remoteBudget(), counters, platform, steps);
  }

  private static boolean isInterruption(Throwable failure) {
    for (Throwable e = failure; e != null; e = e.getCause()) {
      if (e instanceof InterruptedException) {
        return true;
      }
    }
    return false;
  }
}
