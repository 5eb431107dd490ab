package dev.escalera.cache;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The options of a cache that has a store behind it. Not safe for use by several threads.
 *
 * @param <K> keys
 * @param <V> values
 * @param <B> the builder itself
 */
public abstract class RemoteCacheBuilder<K, V, B extends RemoteCacheBuilder<K, V, B>>
    extends CacheBuilder<K, V, B> {
  private static final Duration MILLISECOND = Duration.ofMillis(1);
  private static final int MAX_RATE = 1_000_000;
  private static final Duration YEAR = Duration.ofDays(365);

  private @Nullable Duration l1Ttl;
  private Duration remoteBudget;
  private Duration maxStaleness;
  private OnRemoteLoss onRemoteLoss = OnRemoteLoss.SERVE_LOCAL;
  private @Nullable Duration outageTtl;
  private Freshness freshness = Freshness.BOUNDED;
  private int recoveryRate = 1_000;
  private Compression compression = Compression.NONE;
  private boolean crossNodeSingleFlight = true;

  /**
   * Makes a builder.
   *
   * @param name of the cache, 1 to 100 characters
   * @param ttl how long a value lives, 1 ms to 365 days
   * @param remoteBudget the default of {@link #remoteBudget}
   * @param maxStaleness the default of {@link #maxStaleness}
   * @throws IllegalArgumentException if a value is out of range
   */
  protected RemoteCacheBuilder(
      String name, Duration ttl, Duration remoteBudget, Duration maxStaleness) {
    super(name, ttl);
    this.remoteBudget = remoteBudget;
    this.maxStaleness = maxStaleness;
  }

  /**
   * Sets how long a value lives in L1, the time to live by default.
   *
   * @param l1Ttl from 1 ms to the time to live, which {@code build()} checks
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B l1Ttl(Duration l1Ttl) {
    this.l1Ttl = within("l1Ttl", l1Ttl, MILLISECOND, YEAR);
    return self();
  }

  /**
   * Sets how long one call may wait for the store in all, whatever number of operations it makes:
   * 50 ms on Redis and 250 ms on Firestore by default. Reads then go on as {@link #onRemoteLoss}
   * says, and changes are kept and repeated until the store confirms them.
   *
   * @param budget from 1 ms to 1 minute
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B remoteBudget(Duration budget) {
    this.remoteBudget = within("remoteBudget", budget, MILLISECOND, Duration.ofMinutes(1));
    return self();
  }

  /**
   * Sets how far L1 may be behind the store's primary while that can be reached: 1 s on Redis and 5
   * s on Firestore by default. Caches that share a client share the shortest of the first.
   *
   * @param bound from 100 ms, on Firestore from 1 s, to 1 minute
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B maxStaleness(Duration bound) {
    this.maxStaleness =
        within("maxStaleness", bound, Duration.ofMillis(100), Duration.ofMinutes(1));
    return self();
  }

  /**
   * Sets what is served while the store cannot be reached, {@link OnRemoteLoss#SERVE_LOCAL} by
   * default.
   *
   * @param mode what is served
   * @return this builder
   */
  public B onRemoteLoss(OnRemoteLoss mode) {
    this.onRemoteLoss = Objects.requireNonNull(mode, "mode");
    return self();
  }

  /**
   * Sets how long after its load a value may be served while the store cannot be reached, {@link
   * #l1Ttl} by default.
   *
   * @param ttl from 1 ms to 365 days
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B outageTtl(Duration ttl) {
    this.outageTtl = within("outageTtl", ttl, MILLISECOND, YEAR);
    return self();
  }

  /**
   * Sets when changes return, {@link Freshness#BOUNDED} by default. On Firestore those that are
   * acknowledged take {@link #maxStaleness} longer.
   *
   * @param freshness when
   * @return this builder
   */
  public B freshness(Freshness freshness) {
    this.freshness = Objects.requireNonNull(freshness, "freshness");
    return self();
  }

  /**
   * Sets how fast a node recovers when it hears of changes anew, in keys a second, 1,000 by
   * default. If the store is the one that it was, this is how many values of L1 are compared with
   * it; those that it still holds are served again, without a load. If it was restarted, flushed or
   * failed over, L1 is dropped, and as many loads as it held values wait for their turn, so that
   * the source is not overrun.
   *
   * @param keysPerSecond from 1 to 1,000,000
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B recoveryRate(int keysPerSecond) {
    if (keysPerSecond < 1 || keysPerSecond > MAX_RATE) {
      throw new IllegalArgumentException(
          "recoveryRate is " + keysPerSecond + ", expected 1 to " + MAX_RATE);
    }
    this.recoveryRate = keysPerSecond;
    return self();
  }

  /**
   * Sets how values are packed in L2, not at all by default. All nodes read all kinds that they
   * have the library for.
   *
   * @param compression how
   * @return this builder
   * @throws IllegalStateException if it is {@link Compression#ZSTD} and zstd-jni is not there
   */
  public B compression(Compression compression) {
    this.compression = Objects.requireNonNull(compression, "compression");
    if (compression == Compression.ZSTD && !hasZstd()) {
      throw new IllegalStateException(
          "compression is ZSTD, expected com.github.luben:zstd-jni on the class path");
    }
    return self();
  }

  private static boolean hasZstd() {
    try {
      Class.forName("com.github.luben.zstd.Zstd");
      return true;
    } catch (ClassNotFoundException | LinkageError e) {
      return false;
    }
  }

  /**
   * Sets whether nodes wait for each other's loads of a key, so that there is one in the fleet;
   * they do by default, on Redis.
   *
   * @param wait whether they wait
   * @return this builder
   */
  public B crossNodeSingleFlight(boolean wait) {
    this.crossNodeSingleFlight = wait;
    return self();
  }

  /**
   * Returns the options as they are set.
   *
   * @return the options
   * @throws IllegalArgumentException if they conflict
   */
  protected final CacheOptions<K, V> options() {
    return options(
        new RemoteOptions(
            l1Ttl,
            remoteBudget,
            maxStaleness,
            onRemoteLoss,
            outageTtl,
            freshness,
            recoveryRate,
            compression,
            crossNodeSingleFlight));
  }
}
