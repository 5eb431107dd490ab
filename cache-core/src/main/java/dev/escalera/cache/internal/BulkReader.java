package dev.escalera.cache.internal;

import dev.escalera.cache.internal.Flights.Flight;
import dev.escalera.cache.internal.Outage.Entered;
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
  private final Reader<K, V> reader;
  private final @Nullable RemoteTier<V> remote;
  private final Platform platform;
  private final Loaders<K> loaders;
  private final Loads<K, V> loads;
  private final Fills<K, V> fills;
  private final Turns turns;

  BulkReader(
      Parts<K, V> parts,
      Reader<K, V> reader,
      Loaders<K> loaders,
      Loads<K, V> loads,
      Fills<K, V> fills,
      Turns turns) {
    this.reader = reader;
    this.remote = parts.remote();
    this.platform = parts.platform();
    this.loaders = loaders;
    this.loads = loads;
    this.fills = fills;
    this.turns = turns;
  }

  /** Starts to read keys; each has a future of its own. */
  Map<K, CompletableFuture<Outcome<V>>> start(
      Collection<? extends K> keys,
      Function<? super Set<K>, ? extends Map<K, V>> loader,
      Executor steps) {
    return new Call(loader, steps).start(keys);
  }

  /**
   * What the loader is to load.
   *
   * @param claim null if L2 does not know of it
   * @param flight that ends with it
   */
  private record Load<K, V>(Trip<K, V> trip, @Nullable Claim claim, Flight<V> flight) {}

  /** One call. */
  private final class Call {
    private final Function<? super Set<K>, ? extends Map<K, V>> loader;
    private final Executor steps;
    private final List<Load<K, V>> due = new ArrayList<>();

    Call(Function<? super Set<K>, ? extends Map<K, V>> loader, Executor steps) {
      this.loader = loader;
      this.steps = steps;
    }

    Map<K, CompletableFuture<Outcome<V>>> start(Collection<? extends K> keys) {
      Map<K, CompletableFuture<Outcome<V>>> running = new LinkedHashMap<>();
      List<Trip<K, V>> own = new ArrayList<>();
      for (K key : keys) {
        if (!running.containsKey(Objects.requireNonNull(key, "key"))) {
          running.put(key, start(key, own));
        }
      }
      if (!own.isEmpty()) {
        try {
          look(own);
        } catch (Throwable e) {
          fail(own, e);
        }
      }
      return running;
    }

    private CompletableFuture<Outcome<V>> start(K key, List<Trip<K, V>> own) {
      Entry<V> hit = reader.hit(key);
      if (hit != null) {
        return CompletableFuture.completedFuture(new Outcome<>(hit.value, null));
      }
      if (loaders.isLoading(key)) {
        return CompletableFuture.failedFuture(Loaders.recursion());
      }
      Trip<K, V> trip = reader.trip(key, this::loadOne, steps);
      Flight<V> flight = reader.join(trip);
      if (flight != trip.flight) {
        return reader.follow(flight, trip);
      }
      loads.bound(trip);
      // If there is one, the flight before this one ended between our look into L1 and here.
      Entry<V> late = reader.hit(key);
      if (late == null) {
        own.add(trip);
      } else {
        flight.result.complete(new Outcome<>(late.value, null));
      }
      return flight.result;
    }

    private void look(List<Trip<K, V>> trips) {
      RemoteTier<V> l2 = remote;
      if (l2 == null) {
        trips.forEach(trip -> due.add(new Load<>(trip, null, trip.flight)));
        load();
        return;
      }
      List<Address> addresses = new ArrayList<>();
      trips.forEach(trip -> addresses.add(trip.address));
      Budget budget = trips.get(0).budget;
      List<CompletableFuture<@Nullable Void>> delivered = new ArrayList<>();
      addresses.forEach(address -> delivered.add(reader.delivered(address)));
      CompletableFuture.allOf(delivered.toArray(new CompletableFuture<?>[0]))
          .thenCompose(done -> l2.read(addresses, budget, steps))
          .exceptionally(
              failure ->
                  addresses.stream().map(a -> Lookup.<V>of(Lookup.Kind.UNREACHABLE)).toList())
          .thenAcceptAsync(found -> decide(trips, found, l2), steps)
          .whenComplete((done, failure) -> fail(trips, failure));
    }

    private void decide(List<Trip<K, V>> trips, List<Lookup<V>> found, RemoteTier<V> l2) {
      List<Trip<K, V>> missing = new ArrayList<>();
      List<CompletableFuture<@Nullable Claim>> claims = new ArrayList<>();
      long sent = platform.nanos();
      for (int i = 0; i < trips.size(); i++) {
        Trip<K, V> trip = trips.get(i);
        Lookup<V> lookup = found.get(i);
        switch (lookup.kind()) {
          case FRESH ->
              trip.flight.endAs(() -> CompletableFuture.completedFuture(fills.keep(trip, lookup)));
          case UNREACHABLE -> enterOutage(trip);
          case MISSING, DROPPED, UNREADABLE, EXPIRED -> {
            missing.add(trip);
            claims.add(
                l2.claim(trip.address, reader.unwanted(trip, lookup), trip.budget)
                    .handle((claim, failure) -> failure == null ? claim : null));
          }
        }
      }
      CompletableFuture.allOf(claims.toArray(new CompletableFuture<?>[0]))
          .thenAcceptAsync(
              done -> {
                for (int i = 0; i < missing.size(); i++) {
                  claimed(missing.get(i), l2, claims.get(i).join(), sent);
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
        trip.flight.endAs(() -> reader.orAlone(entered.flight(), trip));
      }
    }

    private void claimed(Trip<K, V> trip, RemoteTier<V> l2, @Nullable Claim claim, long sent) {
      if (claim == null || claim instanceof Claim.Granted) {
        due.add(new Load<>(trip, claim, trip.flight));
      } else {
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
