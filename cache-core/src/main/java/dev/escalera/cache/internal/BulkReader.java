package dev.escalera.cache.internal;

import dev.escalera.cache.internal.Flights.Flight;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
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

  BulkReader(Reader<K, V> reader, @Nullable RemoteTier<V> remote, Platform platform) {
    this.reader = reader;
    this.remote = remote;
    this.platform = platform;
  }

  /** Starts to read keys; each has a future of its own. */
  Map<K, CompletableFuture<Outcome<V>>> start(
      Collection<? extends K> keys,
      Function<? super Set<K>, ? extends Map<K, V>> loader,
      Executor steps) {
    Map<K, CompletableFuture<Outcome<V>>> running = new LinkedHashMap<>();
    List<Trip<K, V>> own = new ArrayList<>();
    Loader<K, V> single =
        key -> CompletableFuture.completedFuture(call(loader, Set.of(key)).get(key));
    for (K key : keys) {
      if (running.containsKey(Objects.requireNonNull(key, "key"))) {
        continue;
      }
      Entry<V> hit = reader.hit(key);
      if (hit != null) {
        running.put(key, CompletableFuture.completedFuture(new Outcome<>(hit.value, null)));
        continue;
      }
      if (reader.isLoading(key)) {
        running.put(key, CompletableFuture.failedFuture(Reader.recursion()));
        continue;
      }
      Trip<K, V> trip = reader.trip(key, single, steps);
      Flight<V> flight = reader.join(trip);
      if (flight == trip.flight) {
        reader.bound(trip);
        // If there is one, the flight before this one ended between our look into L1 and here.
        Entry<V> late = reader.hit(key);
        if (late == null) {
          own.add(trip);
        } else {
          flight.result.complete(new Outcome<>(late.value, null));
        }
        running.put(key, flight.result);
      } else {
        running.put(key, reader.fly(key, single, steps));
      }
    }
    if (!own.isEmpty()) {
      try {
        look(own, loader, steps);
      } catch (Throwable e) {
        own.forEach(trip -> trip.flight.result.completeExceptionally(e));
      }
    }
    return running;
  }

  private void look(
      List<Trip<K, V>> trips,
      Function<? super Set<K>, ? extends Map<K, V>> loader,
      Executor steps) {
    RemoteTier<V> l2 = remote;
    if (l2 == null) {
      load(trips, Map.of(), loader, steps);
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
            failure -> addresses.stream().map(a -> Lookup.<V>of(Lookup.Kind.UNREACHABLE)).toList())
        .thenAcceptAsync(found -> decide(trips, found, l2, loader, steps), steps)
        .whenComplete((done, failure) -> fail(trips, failure));
  }

  private void decide(
      List<Trip<K, V>> trips,
      List<Lookup<V>> found,
      RemoteTier<V> l2,
      Function<? super Set<K>, ? extends Map<K, V>> loader,
      Executor steps) {
    List<Trip<K, V>> missing = new ArrayList<>();
    List<CompletableFuture<@Nullable Claim>> claims = new ArrayList<>();
    long sent = platform.nanos();
    for (int i = 0; i < trips.size(); i++) {
      Trip<K, V> trip = trips.get(i);
      if (found.get(i).kind() == Lookup.Kind.MISSING) {
        missing.add(trip);
        claims.add(
            l2.claim(trip.address, 0, trip.budget)
                .handle((claim, failure) -> failure == null ? claim : null));
      } else {
        // Found, or a case for itself.
        follow(trip, reader.decide(trip, found.get(i)));
      }
    }
    CompletableFuture.allOf(claims.toArray(new CompletableFuture<?>[0]))
        .thenAcceptAsync(
            done -> {
              Map<Trip<K, V>, Claim> granted = new HashMap<>();
              List<Trip<K, V>> loads = new ArrayList<>();
              for (int i = 0; i < missing.size(); i++) {
                Claim claim = claims.get(i).join();
                if (claim == null || claim instanceof Claim.Granted) {
                  loads.add(missing.get(i));
                  granted.put(missing.get(i), claim);
                } else {
                  follow(missing.get(i), reader.claimed(missing.get(i), l2, claim, sent));
                }
              }
              if (!loads.isEmpty()) {
                load(loads, granted, loader, steps);
              }
            },
            steps)
        .whenComplete((done, failure) -> fail(missing, failure));
  }

  /** Loads all at once; each key then goes its way as if it had been loaded alone. */
  private void load(
      List<Trip<K, V>> trips,
      Map<Trip<K, V>, Claim> claims,
      Function<? super Set<K>, ? extends Map<K, V>> loader,
      Executor steps) {
    long wait = reader.turn(trips.size());
    if (wait <= 0) {
      loadNow(trips, claims, loader, steps);
      return;
    }
    CompletableFuture<@Nullable Void> turn = new CompletableFuture<>();
    platform.after(wait, () -> turn.complete(null));
    trips.forEach(trip -> reader.extend(trip, claims.get(trip), turn));
    turn.thenRunAsync(() -> loadNow(trips, claims, loader, steps), steps)
        .whenComplete((done, failure) -> fail(trips, failure));
  }

  private void loadNow(
      List<Trip<K, V>> trips,
      Map<Trip<K, V>, Claim> claims,
      Function<? super Set<K>, ? extends Map<K, V>> loader,
      Executor steps) {
    Set<K> keys = new LinkedHashSet<>();
    trips.forEach(trip -> keys.add(trip.key));
    CompletableFuture<Map<K, V>> all = new CompletableFuture<>();
    List<CompletableFuture<Outcome<V>>> loading = new ArrayList<>();
    for (Trip<K, V> trip : trips) {
      Trip<K, V> one =
          new Trip<>(
              trip.key,
              trip.address,
              trip.flight,
              key -> all.thenApply(values -> values.get(key)),
              steps,
              trip.budget);
      one.mark = trip.mark;
      loading.add(reader.loadNow(one, claims.get(trip)));
    }
    for (int i = 0; i < trips.size(); i++) {
      follow(trips.get(i), loading.get(i));
    }
    reader.during(
        keys,
        () -> {
          try {
            all.complete(call(loader, keys));
          } catch (Throwable e) {
            all.completeExceptionally(e);
          }
        });
  }

  private static <K, V> Map<K, V> call(
      Function<? super Set<K>, ? extends Map<K, V>> loader, Set<K> keys) {
    return Objects.requireNonNull(loader.apply(keys), "the loader returned no map");
  }

  private void follow(Trip<K, V> trip, CompletableFuture<Outcome<V>> way) {
    way.whenComplete((outcome, failure) -> reader.end(trip, outcome, failure));
  }

  private void fail(List<Trip<K, V>> trips, @Nullable Throwable failure) {
    if (failure != null) {
      trips.forEach(trip -> reader.end(trip, null, failure));
    }
  }
}
