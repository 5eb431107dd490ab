package dev.escalera.cache.local;

import dev.escalera.cache.CacheBuilder;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.internal.TieredCacheEngine;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * A cache of one tier in this process. Its writes cannot fail, its keys may be of any length, and
 * its values are not encoded.
 */
public final class LocalTieredCache {
  private LocalTieredCache() {}

  /**
   * Starts a cache in this process.
   *
   * @param <K> keys
   * @param <V> values
   * @param name of the cache, for messages, 1 to 100 characters
   * @param ttl how long a value lives, 1 ms to 365 days
   * @return a builder
   * @throws IllegalArgumentException if a value is out of range
   */
  public static <K, V> Builder<K, V> builder(String name, Duration ttl) {
    return new Builder<>(name, ttl);
  }

  /**
   * Builds a {@link TieredCache} in this process. Not safe for use by several threads.
   *
   * @param <K> keys
   * @param <V> values
   */
  public static final class Builder<K, V> extends CacheBuilder<K, V, Builder<K, V>> {
    private LongSupplier ticker = System::nanoTime;

    private Builder(String name, Duration ttl) {
      super(name, ttl);
    }

    /** Replaces the clock, in nanoseconds. */
    Builder<K, V> ticker(LongSupplier ticker) {
      this.ticker = ticker;
      return this;
    }

    @Override
    protected Builder<K, V> self() {
      return this;
    }

    /**
     * Builds the cache.
     *
     * @return a cache
     * @throws IllegalArgumentException if options conflict
     */
    public TieredCache<K, V> build() {
      return TieredCacheEngine.local(localOptions(), ticker);
    }
  }
}
