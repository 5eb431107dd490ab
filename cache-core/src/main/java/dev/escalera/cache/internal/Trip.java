package dev.escalera.cache.internal;

import dev.escalera.cache.internal.Flights.Flight;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** What one flight carries along: through L2, a claim and a load. Belongs to one step at a time. */
final class Trip<K, V> {
  final K key;
  final Address address;
  final Flight<V> flight;
  final Loader<K, V> loader;

  /** Runs what is not to run on a driver's thread. */
  Executor steps;

  /** What stood before L2 was last asked. */
  Mark mark;

  /** The number of the last change then. */
  long clock;

  Budget budget;

  /** An expired value that L2 holds, and what stood before it was read. */
  volatile Lookup.@Nullable Stored<V> expired;

  volatile @Nullable Mark expiredMark;

  Trip(
      K key,
      Address address,
      Flight<V> flight,
      Loader<K, V> loader,
      Executor steps,
      Budget budget,
      long clock) {
    this.key = key;
    this.address = address;
    this.flight = flight;
    this.loader = loader;
    this.steps = steps;
    this.mark = flight.mark;
    this.budget = budget;
    this.clock = clock;
  }

  /** Goes on with what is left of its budget, its steps run by another executor. */
  void goOn(Executor others) {
    steps = others;
    budget = budget.rest(others);
  }
}
