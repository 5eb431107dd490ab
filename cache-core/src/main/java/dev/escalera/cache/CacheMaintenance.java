package dev.escalera.cache;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What is rarely asked of a cache, and by those who run it. Safe for use by several threads.
 *
 * @param <K> keys
 * @param <V> values
 */
public interface CacheMaintenance<K, V> {
  /**
   * Reads keys into L1, from L2 or by the loader, at a rate; nothing newer is overwritten, since it
   * goes the way of every read. Blocks until it is done.
   *
   * @param keys the keys
   * @param loader loads what no tier holds
   * @param keysPerSecond the rate, from 1
   * @param progress is told after each batch how many keys are done
   * @return how many keys have a value
   * @throws IllegalArgumentException if the rate is out of range
   * @throws CacheException if the thread is interrupted; a batch whose load fails is left out
   */
  int warm(
      Collection<? extends K> keys,
      Function<? super Set<K>, ? extends Map<K, V>> loader,
      int keysPerSecond,
      Consumer<Integer> progress);

  /**
   * Returns the keys that L1 expects to be read most, the hottest first, to be kept over a restart
   * and given to {@link #warm}.
   *
   * @param limit how many at most, from 1
   * @return the keys
   * @throws IllegalArgumentException if the limit is out of range
   */
  List<K> snapshotHotKeys(int limit);

  /** Empties L1 of this node; loads that run now are not kept in it. */
  void clear();

  /**
   * Compares values that L1 would serve now with the source, and counts those that differ in {@link
   * CacheStats#staleDetected}. A key that is changed meanwhile is left out.
   *
   * @param sample how many keys at most, from 1
   * @param source gives the value of a key, or null
   * @return the keys whose value in L1 differs from that of the source
   * @throws IllegalArgumentException if the sample is out of range
   */
  List<K> audit(int sample, Function<? super K, ? extends @Nullable V> source);

  /**
   * Returns how this node stands to L2.
   *
   * @return what holds now
   */
  CacheHealth health();

  /**
   * Returns what L1 holds of a key, whether or not it may be served.
   *
   * @param key the key
   * @return the value, its age and whether it may be served; null if there is none
   */
  @Nullable CacheEntry<V> lookup(K key);

  /**
   * What L1 holds of a key.
   *
   * @param <V> values
   * @param value the value; null if it is known that there is none
   * @param age since its load began, at least
   * @param stale whether it may not be served as coherent
   */
  record CacheEntry<V>(@Nullable V value, Duration age, boolean stale) {}

  /**
   * How a node stands to L2.
   *
   * @param coherent whether L1 is served under a lease
   * @param l2Available whether calls of L2 are let through
   * @param pendingInvalidations that L2 has not confirmed
   * @param fencedTime how long no lease could be had, in all
   */
  record CacheHealth(
      boolean coherent, boolean l2Available, int pendingInvalidations, Duration fencedTime) {}
}
