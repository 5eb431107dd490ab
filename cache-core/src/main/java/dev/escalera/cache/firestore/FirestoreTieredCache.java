package dev.escalera.cache.firestore;

import com.google.cloud.firestore.Firestore;
import dev.escalera.cache.CacheOptions;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.RemoteCacheBuilder;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import dev.escalera.cache.internal.Address;
import dev.escalera.cache.internal.Platform;
import dev.escalera.cache.internal.TieredCacheEngine;
import java.time.Duration;
import java.util.Objects;
import java.util.function.LongSupplier;

/**
 * A cache in front of Firestore, coherent among all that use the same database and the same name:
 * one document a value, compare-and-set for fills, a log of changes to which each node listens, and
 * heartbeats in it, which prove that the listener has missed nothing.
 *
 * <p>A put and an invalidation write two documents, the value's and the log's. Values over 900 KiB
 * stay in L1. All changes of one cache together are for about 1,000 a second, those of one key for
 * about one a second. With {@link dev.escalera.cache.Freshness#ACKNOWLEDGED} a change takes {@code
 * maxStaleness} longer, since nodes do not answer: it waits until their leases have run out.
 */
public final class FirestoreTieredCache {
  private static final Duration DEFAULT_BUDGET = Duration.ofMillis(250);
  private static final Duration DEFAULT_STALENESS = Duration.ofSeconds(5);
  private static final Duration MIN_STALENESS = Duration.ofSeconds(1);
  private static final Duration MAX_STALENESS = Duration.ofMinutes(1);

  private FirestoreTieredCache() {}

  /**
   * Starts a cache on Firestore.
   *
   * @param <K> keys
   * @param <V> values
   * @param firestore the host's client; the cache never closes it
   * @param name of the cache, 1 to 100 characters; the same on all nodes
   * @param ttl how long a value lives, 1 ms to 365 days
   * @param keyCodec makes texts of keys
   * @param valueCodec makes bytes of values
   * @return a builder
   * @throws IllegalArgumentException if a value is out of range
   */
  public static <K, V> Builder<K, V> builder(
      Firestore firestore,
      String name,
      Duration ttl,
      KeyCodec<K> keyCodec,
      ValueCodec<V> valueCodec) {
    return new Builder<>(firestore, name, ttl, keyCodec, valueCodec);
  }

  /**
   * Builds a {@link TieredCache} on Firestore. Not safe for use by several threads.
   *
   * @param <K> keys
   * @param <V> values
   */
  public static final class Builder<K, V> extends RemoteCacheBuilder<K, V, Builder<K, V>> {
    private final Firestore firestore;
    private final KeyCodec<K> keyCodec;
    private final ValueCodec<V> valueCodec;
    private Duration loadLease = Duration.ofSeconds(5);
    private Platform platform = Platform.system(System::nanoTime);
    private Windows windows = Windows.DEFAULT;

    private Builder(
        Firestore firestore,
        String name,
        Duration ttl,
        KeyCodec<K> keyCodec,
        ValueCodec<V> valueCodec) {
      super(name, ttl, DEFAULT_BUDGET, DEFAULT_STALENESS);
      this.firestore = Objects.requireNonNull(firestore, "firestore");
      this.keyCodec = Objects.requireNonNull(keyCodec, "keyCodec");
      this.valueCodec = Objects.requireNonNull(valueCodec, "valueCodec");
    }

    /**
     * Sets how long other nodes wait for a load whose node does not live any more, 5 s by default;
     * a load that runs keeps its lease, at the cost of a write each third of it.
     *
     * @param lease from 100 ms to 10 minutes
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder<K, V> loadLease(Duration lease) {
      this.loadLease = within("loadLease", lease, Duration.ofMillis(100), Duration.ofMinutes(10));
      return this;
    }

    /**
     * Sets how far L1 may be behind Firestore while that can be reached, 5 s by default; the same
     * on all nodes. Four times in this time a node reads a document, and one node of all writes a
     * heartbeat, of which each node hears: less costs more. Firestore advises against more than
     * about one write a second to one document, which is what 4 s make.
     *
     * @param bound from 1 s to 1 minute
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    @Override
    public Builder<K, V> maxStaleness(Duration bound) {
      return super.maxStaleness(within("maxStaleness", bound, MIN_STALENESS, MAX_STALENESS));
    }

    /** Replaces the clock of L1, in nanoseconds. */
    Builder<K, V> ticker(LongSupplier ticker) {
      this.platform = Platform.system(ticker);
      return this;
    }

    /** Replaces how far the listeners of the log look back. */
    Builder<K, V> windows(Windows windows) {
      this.windows = windows;
      return this;
    }

    @Override
    protected Builder<K, V> self() {
      return this;
    }

    /**
     * Builds the cache, which starts to listen in the background: until it does, its L1 is fenced.
     *
     * @return a cache
     * @throws IllegalArgumentException if options conflict
     */
    public TieredCache<K, V> build() {
      CacheOptions<K, V> options = options();
      return TieredCacheEngine.remote(
          options,
          Address.encoded(keyCodec),
          valueCodec,
          new FirestoreStore(
              firestore,
              options.name(),
              options.remoteBudget(),
              loadLease,
              options.maxStaleness(),
              windows,
              platform),
          platform);
    }
  }
}
