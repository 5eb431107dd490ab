package dev.escalera.cache;

import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A cache of up to two tiers in front of a loader.
 *
 * <p>Safe for use by several threads. Neither keys nor values may be null; a value must not be
 * changed once it is in the cache, since L1 hands out the same instance to all. Each method throws
 * {@link NullPointerException} on null, {@link IllegalArgumentException} on a key that is too long
 * for the store, and {@link IllegalStateException} once the cache is closed.
 *
 * <p>An L2 that does not answer never fails a read: the call goes on as {@link OnRemoteLoss} says.
 * Nor does it fail a write under {@link Freshness#BOUNDED}, see {@link #invalidate}.
 *
 * @param <K> keys, with {@code equals} and {@code hashCode}
 * @param <V> values
 */
public interface TieredCache<K, V> extends AutoCloseable {
  /**
   * Returns the value of a key if a tier holds it.
   *
   * @param key the key
   * @return the value; null if there is none or L2 did not answer within the budget
   * @throws CacheException if the thread is interrupted while it waits
   */
  @Nullable V getIfPresent(K key);

  /**
   * Returns the value of a key, loaded and stored if no tier holds it.
   *
   * <p>Of the concurrent calls in this process that miss, one loads, in its own thread, and the
   * others wait for it; a call that begins after an invalidation does not join a load that began
   * before. An interrupted caller leaves the load to those who wait. Loaders of different keys must
   * not wait for each other in a circle.
   *
   * @param key the key
   * @param loader gives the value; null means that there is nothing to cache
   * @return the value, or null if the loader returned null
   * @throws CacheException if the loader fails, with its exception as the cause; if it asks this
   *     cache for the key that it loads; if the value cannot be encoded; if the thread is
   *     interrupted
   */
  @Nullable V get(K key, Function<? super K, ? extends @Nullable V> loader);

  /**
   * Returns a future of what {@link #get} returns.
   *
   * <p>The loader is called on a thread of the caches, of which there are as many as loaders that
   * run, or, where there is no store, on that of the caller; it should not block. Cancelling the
   * future does not end the load. The stage that the loader returns must not depend on a call of
   * this cache for the same key: if that call comes from the loader's own thread it is refused,
   * otherwise both wait for ever.
   *
   * @param key the key
   * @param loader starts the load; a stage of null means that there is nothing to cache
   * @return a future that fails with {@link CacheException} as {@link #get} does
   */
  CompletionStage<@Nullable V> getAsync(
      K key, Function<? super K, ? extends CompletionStage<? extends @Nullable V>> loader);

  /**
   * Returns the values of several keys, with one load for all that no tier holds and nobody else
   * loads.
   *
   * <p>L2 is asked once for all values. Each key that another call loads is waited for, as {@link
   * #get} does; such a wait that turns into a load calls the loader with that key alone, on a
   * thread of the caches.
   *
   * @param keys the keys
   * @param loader is given what is missing and returns the values of what there is of it
   * @return the values by key, without the keys that have none
   * @throws CacheException if the load of some keys failed, with one suppressed exception for each
   *     of them; what was loaded is cached all the same
   */
  Map<K, V> getAll(
      Collection<? extends K> keys, Function<? super Set<K>, ? extends Map<K, V>> loader);

  /**
   * Stores a value in both tiers and drops the key from the L1 of all other nodes.
   *
   * <p>A put that L2 does not confirm takes effect on this node, as long as L2 cannot be reached;
   * since L2 may hold something older it becomes an invalidation that is repeated until it is
   * confirmed.
   *
   * @param key the key
   * @param value the value
   * @throws CacheException if the value cannot be encoded; if L2 did not confirm and the cache is
   *     built with {@link Freshness#ACKNOWLEDGED}; if the thread is interrupted
   */
  default void put(K key, V value) {
    put(key, value, EntryOptions.none());
  }

  /**
   * Does what {@link #put(Object, Object)} does, with options of the entry's own.
   *
   * @param key the key
   * @param value the value
   * @param options its time to live and its tags
   * @throws CacheException as {@link #put(Object, Object)} does
   */
  void put(K key, V value, EntryOptions options);

  /**
   * Does what {@link #put(Object, Object)} does without waiting.
   *
   * @param key the key
   * @param value the value
   * @return a future that fails with {@link CacheException} as {@link #put(Object, Object)} does
   */
  default CompletionStage<@Nullable Void> putAsync(K key, V value) {
    return putAsync(key, value, EntryOptions.none());
  }

  /**
   * Does what {@link #put(Object, Object, EntryOptions)} does without waiting.
   *
   * @param key the key
   * @param value the value
   * @param options its time to live and its tags
   * @return a future that fails with {@link CacheException} as {@link #put(Object, Object)} does
   */
  CompletionStage<@Nullable Void> putAsync(K key, V value, EntryOptions options);

  /**
   * Drops a key from both tiers and from the L1 of all other nodes. Loads that run now return their
   * value to their callers and are not cached.
   *
   * <p>When it returns, {@link Freshness} says. An invalidation that L2 does not confirm has taken
   * effect on this node, is kept and repeated until it is confirmed, and counts in {@link
   * CacheStats#pendingInvalidations}; with {@link Freshness#ACKNOWLEDGED} the call fails besides.
   *
   * @param key the key
   * @throws CacheException if L2 did not confirm and the cache is built with {@link
   *     Freshness#ACKNOWLEDGED}, or too many are pending; if the thread is interrupted
   */
  void invalidate(K key);

  /**
   * Does what {@link #invalidate} does without waiting.
   *
   * @param key the key
   * @return a future that fails with {@link CacheException} as {@link #invalidate} does
   */
  CompletionStage<@Nullable Void> invalidateAsync(K key);

  /**
   * Drops several keys as {@link #invalidate} does, not atomically. Each key has a budget of its
   * own, and some may be in flight at once.
   *
   * @param keys the keys
   * @throws CacheException as {@link #invalidate} does; names the first that failed
   */
  void invalidateAll(Collection<? extends K> keys);

  /**
   * Drops all values that bear a tag, in one step and however many they are. Loads that run now are
   * not cached if what they load bears it.
   *
   * @param tag the tag, 1 to 256 bytes of UTF-8
   * @throws CacheException as {@link #invalidate} does
   * @throws IllegalArgumentException if the tag is too long or empty
   */
  void invalidateTag(String tag);

  /**
   * Does what {@link #invalidateTag} does without waiting.
   *
   * @param tag the tag
   * @return a future that fails with {@link CacheException} as {@link #invalidateTag} does
   */
  CompletionStage<@Nullable Void> invalidateTagAsync(String tag);

  /**
   * Returns what this cache counted since it was built.
   *
   * @return figures that were read one after the other, not at one instant
   */
  CacheStats stats();

  /**
   * Returns what is rarely asked of a cache.
   *
   * @return its maintenance
   */
  CacheMaintenance<K, V> maintenance();

  /**
   * Ends the connections and threads that this cache opened, never the host's client. Idempotent,
   * does not wait for loads.
   */
  @Override
  void close();
}
