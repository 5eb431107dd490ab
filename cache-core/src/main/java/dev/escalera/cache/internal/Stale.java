package dev.escalera.cache.internal;

import dev.escalera.cache.CacheOptions;
import org.jspecify.annotations.Nullable;

/** Values past their time that serve where a load fails or is slow, but for those that changed. */
final class Stale<K, V> {
  private final CacheOptions<K, V> options;
  private final LocalTier<K, V> local;
  private final Counters counters;
  private final Platform platform;

  Stale(Parts<K, V> parts) {
    this.options = parts.options();
    this.local = parts.local();
    this.counters = parts.counters();
    this.platform = parts.platform();
  }

  /** Returns an expired value of a tier that nothing has outdated since. */
  @Nullable Outcome<V> find(Trip<K, V> trip) {
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
}
