package dev.escalera.cache.internal;

import dev.escalera.cache.CacheOptions;
import dev.escalera.cache.OnRemoteLoss;
import dev.escalera.cache.internal.Flights.Flight;
import org.jspecify.annotations.Nullable;

/** The way of a read while L2 does not answer: L1 as it is, else one load a key in this process. */
final class Outage<K, V> {
  private final CacheOptions<K, V> options;
  private final LocalTier<K, V> local;
  private final Counters counters;
  private final Platform platform;
  private final Flights<K, V> flights = new Flights<>();

  /**
   * The flight that brings a read its value.
   *
   * @param isOwn whether the one who entered has to load
   */
  record Entered<V>(Flight<V> flight, boolean isOwn) {}

  Outage(Parts<K, V> parts) {
    this.options = parts.options();
    this.local = parts.local();
    this.counters = parts.counters();
    this.platform = parts.platform();
  }

  /** Returns what L1 holds that may serve without L2. */
  @Nullable Outcome<V> serve(K key) {
    if (options.onRemoteLoss() == OnRemoteLoss.BYPASS) {
      return null;
    }
    return served(local.find(key));
  }

  private @Nullable Outcome<V> served(@Nullable Entry<V> entry) {
    long now = platform.nanos();
    return entry != null
            && now - entry.expires < 0
            && now - entry.loaded() < options.outageTtl().toNanos()
            && local.isUnrefuted(entry)
        ? new Outcome<>(entry.value, counters.outageHits)
        : null;
  }

  /** Finds the value in L1, or the load that brings it, or makes it the trip's own. */
  Entered<V> enter(Trip<K, V> trip) {
    if (options.onRemoteLoss() == OnRemoteLoss.BYPASS) {
      return new Entered<>(new Flight<>(trip.mark), true);
    }
    Flight<V> own = new Flight<>(local.mark(trip.address.hash()));
    if (isServed(own, local.find(trip.key))) {
      return new Entered<>(own, false);
    }
    Flight<V> flight = flights.join(trip.key, own, other -> other.mark.equals(own.mark));
    // If it is served now, the load before this one ended between our look into L1 and here.
    if (flight != own || isServed(own, local.findAgain(trip.key))) {
      return new Entered<>(flight, false);
    }
    trip.mark = own.mark;
    return new Entered<>(own, true);
  }

  private boolean isServed(Flight<V> flight, @Nullable Entry<V> entry) {
    Outcome<V> kept = served(entry);
    return kept != null && flight.result.complete(kept);
  }
}
