package dev.escalera.cache.internal;

import dev.escalera.cache.internal.Flights.Flight;
import dev.escalera.cache.internal.Outage.Entered;
import dev.escalera.cache.internal.RemoteTier.Sought;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The way of many reads at once: one look into L2, one batch of claims, one load. */
final class BulkReader<K, V> {
  /** How many commands at the most ask L2 for the keys of one call. */
  private static final int MAX_PARTS = 64;

  private final Address.Book<K> addresses;
  private final Reader<K, V> reader;
  private final LocalTier<K, V> local;
  private final @Nullable RemoteTier<V> remote;
  private final Platform platform;
  private final Loaders<K> loaders;
  private final Loads<K, V> loads;
  private final Fills<K, V> fills;
  private final Turns turns;
  private final Counters counters;

  BulkReader(
      Parts<K, V> parts,
      Address.Book<K> addresses,
      Reader<K, V> reader,
      Loaders<K> loaders,
      Loads<K, V> loads,
      Fills<K, V> fills,
      Turns turns) {
    this.addresses = addresses;
    this.reader = reader;
    this.local = parts.local();
    this.remote = parts.remote();
    this.platform = parts.platform();
    this.counters = parts.counters();
    this.loaders = loaders;
    this.loads = loads;
    this.fills = fills;
    this.turns = turns;
  }

  /** Begins a call. */
  Call call(Collection<? extends K> keys, Function<? super Set<K>, ? extends Map<K, V>> loader) {
    return new Call(keys, loader);
  }

  /**
   * What L1 does not have.
   *
   * @param mark what stood before L2 was asked
   */
  private record Missing<K, V>(K key, Sought<V> sought, Mark mark) {}

  private Missing<K, V> missed(K key, @Nullable Entry<V> had) {
    Address address = addresses.of(key);
    return new Missing<>(key, new Sought<>(address, had), local.mark(address.hash()));
  }

  /** What L2 does not have either. */
  private record Unread<K, V>(Missing<K, V> missing, Lookup<V> lookup) {}

  /**
   * What the loader is to load.
   *
   * @param claim null if L2 does not know of it
   * @param flight that ends with it
   */
  private record Load<K, V>(Trip<K, V> trip, @Nullable Claim claim, Flight<V> flight) {}

  /**
   * One call: it reads L1, then L2, both for itself, and shares only the loads of the rest. Belongs
   * to the thread that made it, but for what the executors run: it waits for others elsewhere, as
   * that thread runs the loader, which may ask for the same keys.
   */
  final class Call {
    private final Collection<? extends K> keys;
    private final Function<? super Set<K>, ? extends Map<K, V>> loader;

    /** By the order of the keys; null for what is not there, or not there yet. */
    private final Map<K, @Nullable V> values;

    private final List<Unread<K, V>> unread = new ArrayList<>();
    private final List<Load<K, V>> due = new ArrayList<>();
    private Executor steps = Runnable::run;

    /** When L2 was asked, or would have been. */
    private long asked;

    private Call(
        Collection<? extends K> keys, Function<? super Set<K>, ? extends Map<K, V>> loader) {
      this.keys = keys;
      this.loader = loader;
      this.values = new LinkedHashMap<>(keys.size() * 4 / 3 + 1);
    }

    /**
     * Reads L1, then L2: each part of what L1 does not have is asked for as soon as it is known,
     * and kept as soon as it comes, while the next are under way.
     */
    CompletableFuture<?> read(Executor reads) {
      long now = platform.nanos();
      asked = now;
      int part = part();
      List<CompletableFuture<?>> looks = new ArrayList<>();
      List<Missing<K, V>> missing = new ArrayList<>();
      for (K key : keys) {
        int before = values.size();
        values.putIfAbsent(Objects.requireNonNull(key, "key"), null);
        if (values.size() == before) {
          continue;
        }
        Entry<V> had = local.findAgain(key);
        Entry<V> hit = reader.hitOfMany(key, had, now);
        if (hit != null) {
          values.put(key, hit.value);
          continue;
        }
        missing.add(missed(key, had));
        if (missing.size() == part) {
          looks.add(look(missing, reads));
          missing = new ArrayList<>();
        }
      }
      if (!missing.isEmpty()) {
        looks.add(look(missing, reads));
      }
      return CompletableFuture.allOf(looks.toArray(new CompletableFuture<?>[0]));
    }

    private int part() {
      RemoteTier<V> l2 = remote;
      return l2 == null
          ? Integer.MAX_VALUE
          : Math.max(l2.store().readsAtOnce(), keys.size() / MAX_PARTS + 1);
    }

    /** Looks up in L2 what L1 does not have. */
    private CompletableFuture<?> look(List<Missing<K, V>> missing, Executor reads) {
      RemoteTier<V> l2 = remote;
      if (l2 == null) {
        Lookup<V> none = Lookup.of(Lookup.Kind.MISSING);
        missing.forEach(each -> unread.add(new Unread<>(each, none)));
        return CompletableFuture.completedFuture(null);
      }
      List<Sought<V>> sought = new ArrayList<>(missing.size());
      missing.forEach(each -> sought.add(each.sought));
      return reader
          .look(sought, l2, reader.budget(reads), reads)
          .thenAcceptAsync(found -> keep(missing, found), reads);
    }

    /** Keeps what was found in L2. Several threads may, once the one that called has gone. */
    private synchronized void keep(List<Missing<K, V>> missing, List<Lookup<V>> found) {
      long now = platform.nanos();
      int before = unread.size();
      for (int i = 0; i < found.size(); i++) {
        Missing<K, V> each = missing.get(i);
        Lookup<V> lookup = found.get(i);
        if (lookup.kind() == Lookup.Kind.FRESH) {
          values.put(each.key, fills.keep(each.key, each.mark, lookup, now).value());
        } else {
          unread.add(new Unread<>(each, lookup));
        }
      }
      counters.l2Hits.add(found.size() - (unread.size() - before));
    }

    /** Returns whether all is there. */
    boolean isComplete() {
      return unread.isEmpty();
    }

    void loaded(K key, @Nullable V value) {
      values.put(key, value);
    }

    /** Returns what there is, once the call is at its end. */
    Map<K, V> found() {
      values.values().removeIf(Objects::isNull);
      return values;
    }

    /** Starts to load the rest; each key has a future of its own. */
    Map<K, CompletableFuture<Outcome<V>>> load(Executor loads) {
      steps = loads;
      Map<K, CompletableFuture<Outcome<V>>> running = new LinkedHashMap<>();
      List<Trip<K, V>> own = new ArrayList<>();
      List<Unread<K, V>> of = new ArrayList<>();
      try {
        for (Unread<K, V> each : unread) {
          Trip<K, V> trip = start(each, running);
          if (trip != null) {
            own.add(trip);
            of.add(each);
          }
        }
        if (!own.isEmpty()) {
          decide(own, of);
        }
      } catch (Throwable e) {
        // Others may have joined.
        running.values().forEach(each -> each.completeExceptionally(e));
        fail(List.of(), e);
        throw e;
      }
      return running;
    }

    /** Returns a trip that is to be made; null where another makes it, or it is over. */
    private @Nullable Trip<K, V> start(
        Unread<K, V> each, Map<K, CompletableFuture<Outcome<V>>> running) {
      K key = each.missing.key;
      if (loaders.isLoading(key)) {
        running.put(key, CompletableFuture.failedFuture(Loaders.recursion()));
        return null;
      }
      Trip<K, V> trip = reader.trip(key, each.missing.sought.address(), this::loadOne, steps);
      Flight<V> flight = reader.join(trip);
      if (flight != trip.flight) {
        trip.goOn(platform.executor());
        running.put(key, reader.follow(flight, trip));
        return null;
      }
      running.put(key, flight.result);
      trip.budget.spent(platform.nanos() - asked);
      loads.bound(trip);
      // If there is one, the flight before this one ended between our look into L1 and here.
      Entry<V> late = reader.hit(key, platform.nanos());
      if (late == null) {
        return trip;
      }
      flight.result.complete(new Outcome<>(late.value, null));
      return null;
    }

    private void decide(List<Trip<K, V>> trips, List<Unread<K, V>> of) {
      RemoteTier<V> l2 = remote;
      if (l2 == null) {
        trips.forEach(trip -> due.add(new Load<>(trip, null, trip.flight)));
        load();
        return;
      }
      List<Trip<K, V>> claiming = new ArrayList<>();
      List<CompletableFuture<@Nullable Claim>> claims = new ArrayList<>();
      long sent = platform.nanos();
      for (int i = 0; i < trips.size(); i++) {
        Trip<K, V> trip = trips.get(i);
        Lookup<V> lookup = of.get(i).lookup;
        if (lookup.kind() == Lookup.Kind.UNREACHABLE) {
          enterOutage(trip);
        } else {
          long unwanted = reader.unwanted(trip, lookup, of.get(i).missing.mark);
          claiming.add(trip);
          claims.add(
              l2.claim(trip.address, unwanted, trip.budget)
                  .handle((claim, failure) -> failure == null ? claim : null));
        }
      }
      CompletableFuture.allOf(claims.toArray(new CompletableFuture<?>[0]))
          .thenAcceptAsync(
              done -> {
                for (int i = 0; i < claiming.size(); i++) {
                  claimed(claiming.get(i), l2, claims.get(i).join(), sent);
                }
                load();
              },
              steps)
          .whenComplete((done, failure) -> fail(trips, failure));
    }

    private void enterOutage(Trip<K, V> trip) {
      Entered<V> entered = reader.enterOutage(trip);
      if (entered.isOwn()) {
        due.add(new Load<>(trip, null, entered.flight()));
        trip.flight.endAs(() -> entered.flight().result);
      } else {
        trip.goOn(platform.executor());
        trip.flight.endAs(() -> reader.orAlone(entered.flight(), trip));
      }
    }

    private void claimed(Trip<K, V> trip, RemoteTier<V> l2, @Nullable Claim claim, long sent) {
      if (claim == null || claim instanceof Claim.Granted) {
        due.add(new Load<>(trip, claim, trip.flight));
      } else {
        trip.goOn(platform.executor());
        trip.flight.endAs(() -> reader.claimed(trip, l2, claim, sent));
      }
    }

    /** Loads all at once; each key then goes its way as if it had been loaded alone. */
    private void load() {
      if (due.isEmpty()) {
        return;
      }
      long wait = turns.take(due.size());
      if (wait <= 0) {
        loadNow();
        return;
      }
      CompletableFuture<@Nullable Void> turn = new CompletableFuture<>();
      platform.after(wait, () -> turn.complete(null));
      due.forEach(load -> fills.extend(load.trip, load.claim, turn));
      turn.thenRunAsync(this::loadNow, steps)
          .whenComplete((done, failure) -> fail(List.of(), failure));
    }

    private void loadNow() {
      boolean bounded = loads.isBounded();
      Executor runs = bounded ? platform.executor() : steps;
      CompletableFuture<Map<K, V>> all = new CompletableFuture<>();
      Set<K> keys = new LinkedHashSet<>();
      for (Load<K, V> load : due) {
        K key = load.trip.key;
        keys.add(key);
        CompletableFuture<@Nullable V> value = all.thenApply(values -> values.get(key));
        load.flight.endAs(() -> loads.loaded(load.trip, load.claim, value, loads.begin(), runs));
      }
      if (bounded) {
        runs.execute(() -> run(keys, all));
      } else {
        run(keys, all);
      }
    }

    private void run(Set<K> keys, CompletableFuture<Map<K, V>> all) {
      loaders
          .run(keys, () -> CompletableFuture.completedFuture(call(keys)))
          .whenComplete(
              (values, failure) -> {
                if (failure == null) {
                  all.complete(values);
                } else {
                  all.completeExceptionally(failure);
                }
              });
    }

    private CompletableFuture<@Nullable V> loadOne(K key) {
      return CompletableFuture.completedFuture(call(Set.of(key)).get(key));
    }

    private Map<K, V> call(Set<K> keys) {
      return Objects.requireNonNull(loader.apply(keys), "the loader returned no map");
    }

    private void fail(List<Trip<K, V>> trips, @Nullable Throwable failure) {
      if (failure != null) {
        Throwable cause = Futures.unwrap(failure);
        trips.forEach(trip -> trip.flight.result.completeExceptionally(cause));
        due.forEach(load -> load.flight.result.completeExceptionally(cause));
      }
    }
  }
}
