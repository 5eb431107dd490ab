package dev.escalera.cache.internal;

import dev.escalera.cache.CacheException;
import dev.escalera.cache.CacheMaintenance;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The rare surface of a cache. */
final class Maintenance<K, V> implements CacheMaintenance<K, V> {
  private static final Logger log = LoggerFactory.getLogger(Maintenance.class);

  private static final int BATCH = 100;

  private final TieredCacheEngine<K, V> cache;
  private final LocalTier<K, V> local;
  private final @Nullable RemoteTier<V> remote;
  private final Pending pending;
  private final Lease lease;
  private final Counters counters;
  private final Platform platform;

  Maintenance(
      TieredCacheEngine<K, V> cache,
      LocalTier<K, V> local,
      @Nullable RemoteTier<V> remote,
      Pending pending,
      Lease lease,
      Counters counters,
      Platform platform) {
    this.cache = cache;
    this.local = local;
    this.remote = remote;
    this.pending = pending;
    this.lease = lease;
    this.counters = counters;
    this.platform = platform;
  }

  @Override
  public int warm(
      Collection<? extends K> keys,
      Function<? super Set<K>, ? extends Map<K, V>> loader,
      int keysPerSecond,
      Consumer<Integer> progress) {
    Objects.requireNonNull(loader, "loader");
    Objects.requireNonNull(progress, "progress");
    atLeastOne("keysPerSecond", keysPerSecond);
    List<K> all = List.copyOf(keys);
    int batch = Math.min(BATCH, keysPerSecond);
    int found = 0;
    long began = System.nanoTime();
    for (int from = 0; from < all.size(); from += batch) {
      int to = Math.min(from + batch, all.size());
      pace(began + TimeUnit.SECONDS.toNanos(from) / keysPerSecond);
      try {
        found += cache.getAll(all.subList(from, to), loader).size();
      } catch (CacheException e) {
        if (Thread.currentThread().isInterrupted()) {
          throw e;
        }
        log.warn("a batch of a warm-up failed, and is left out: {}", e.getMessage());
      }
      progress.accept(to);
    }
    return found;
  }

  private static void pace(long until) {
    for (long left = until - System.nanoTime(); left > 0; left = until - System.nanoTime()) {
      LockSupport.parkNanos(left);
      if (Thread.currentThread().isInterrupted()) {
        throw new CacheException("interrupted in a warm-up", null);
      }
    }
  }

  @Override
  public List<K> snapshotHotKeys(int limit) {
    return local.hottest(atLeastOne("limit", limit));
  }

  @Override
  public void clear() {
    local.clear();
  }

  @Override
  public List<K> audit(int sample, Function<? super K, ? extends @Nullable V> source) {
    Objects.requireNonNull(source, "source");
    atLeastOne("sample", sample);
    List<K> stale = new ArrayList<>();
    List<K> keys = new ArrayList<>(local.all().keySet());
    // Of a start of its own each time, so that all keys have their turn.
    int start = keys.isEmpty() ? 0 : (int) (platform.random() * keys.size());
    for (int i = 0; i < Math.min(sample, keys.size()); i++) {
      K key = keys.get((start + i) % keys.size());
      Entry<V> entry = local.find(key);
      if (entry == null || !local.isCoherent(entry, platform.nanos())) {
        continue;
      }
      V now = source.apply(key);
      if (!Objects.deepEquals(now, entry.value)
          && local.find(key) == entry
          && local.isCoherent(entry, platform.nanos())) {
        counters.staleDetected.increment();
        stale.add(key);
      }
    }
    return stale;
  }

  @Override
  public CacheHealth health() {
    return new CacheHealth(
        lease.holds(platform.nanos()),
        remote == null || remote.store().isAvailable(),
        pending.size(),
        Duration.ofNanos(lease.fencedNanos()));
  }

  @Override
  public @Nullable CacheEntry<V> lookup(K key) {
    Entry<V> entry = local.find(Objects.requireNonNull(key, "key"));
    if (entry == null) {
      return null;
    }
    long now = platform.nanos();
    return new CacheEntry<>(
        entry.value, Duration.ofNanos(now - entry.loaded()), !local.isCoherent(entry, now));
  }

  private static int atLeastOne(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + ", expected 1 or more");
    }
    return value;
  }
}
