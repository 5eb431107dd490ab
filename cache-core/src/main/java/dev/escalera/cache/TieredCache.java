package dev.escalera.cache;

import java.util.Collection;
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
 * <p>An L2 that does not answer never fails a read: the call goes on to the loader. It does fail a
 * write, see {@link #put} and {@link #invalidate}.
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
   * <p>The loader is called on the common pool and must not block; cancelling the future does not
   * end the load. The stage that the loader returns must not depend on a call of this cache for the
   * same key: if that call comes from the loader's own thread it is refused, otherwise both wait
   * for ever.
   *
   * @param key the key
   * @param loader starts the load; a stage of null means that there is nothing to cache
   * @return a future that fails with {@link CacheException} as {@link #get} does
   */
  CompletionStage<@Nullable V> getAsync(
      K key, Function<? super K, ? extends CompletionStage<? extends @Nullable V>> loader);

  /**
   * Stores a value in both tiers and drops the key from the L1 of all other nodes.
   *
   * @param key the key
   * @param value the value
   * @throws CacheException if L2 did not confirm: the key is then dropped from this node's L1, and
   *     L2 may hold the old value, the new one, or come to hold the new one later; if the value
   *     cannot be encoded; if the thread is interrupted
   */
  void put(K key, V value);

  /**
   * Does what {@link #put} does without waiting.
   *
   * @param key the key
   * @param value the value
   * @return a future that fails with {@link CacheException} as {@link #put} does
   */
  CompletionStage<@Nullable Void> putAsync(K key, V value);

  /**
   * Drops a key from both tiers and from the L1 of all other nodes. Loads that run now return their
   * value to their callers and are not cached.
   *
   * <p>Returns when L2 has confirmed; other nodes follow as fast as the store's messages travel.
   *
   * @param key the key
   * @throws CacheException if L2 did not confirm: the key is then dropped on this node, and perhaps
   *     not elsewhere, so call again; if the thread is interrupted
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
   * @throws CacheException if L2 did not confirm all of them; names the first that failed
   */
  void invalidateAll(Collection<? extends K> keys);

  /**
   * Returns what this cache counted since it was built.
   *
   * @return figures that were read one after the other, not at one instant
   */
  CacheStats stats();

  /**
   * Ends the connections and threads that this cache opened, never the host's client. Idempotent,
   * does not wait for loads.
   */
  @Override
  void close();
}
