package dev.escalera.cache;

import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.ToIntBiFunction;
import org.jspecify.annotations.Nullable;

/**
 * The options that all caches share. Not safe for use by several threads.
 *
 * @param <K> keys
 * @param <V> values
 * @param <B> the builder itself
 */
public abstract class CacheBuilder<K, V, B extends CacheBuilder<K, V, B>> {
  private static final int MAX_NAME_LENGTH = 100;
  private static final Duration MIN_TTL = Duration.ofMillis(1);
  private static final Duration MAX_TTL = Duration.ofDays(365);
  private static final Duration MAX_LOAD = Duration.ofHours(1);

  private final String name;
  private final Duration ttl;
  private double ttlJitter = 0.1;
  private long l1MaximumSize = 10_000;
  private boolean sized;
  private @Nullable ToIntBiFunction<? super K, ? super V> l1Weigher;
  private Duration staleIfError = Duration.ZERO;
  private @Nullable Duration softTimeout;
  private @Nullable Duration hardTimeout;
  private double earlyRefresh = 1;
  private @Nullable Duration negativeTtl;
  private @Nullable BiFunction<? super K, ? super V, Set<String>> tagsOf;
  private @Nullable BiFunction<? super K, ? super V, Duration> ttlOf;
  private @Nullable MeterRegistry meterRegistry;

  /**
   * Makes a builder.
   *
   * @param name of the cache, 1 to 100 characters
   * @param ttl how long a value lives, 1 ms to 365 days
   * @throws IllegalArgumentException if a value is out of range
   */
  protected CacheBuilder(String name, Duration ttl) {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(ttl, "ttl");
    if (name.isEmpty() || name.length() > MAX_NAME_LENGTH) {
      throw new IllegalArgumentException(
          "name has " + name.length() + " characters, expected 1 to " + MAX_NAME_LENGTH);
    }
    this.name = name;
    this.ttl = lifetime("ttl", ttl);
  }

  /**
   * Sets the share of the time to live by which a value may live shorter, at random, so that values
   * stored together do not expire together; 0.1 by default.
   *
   * @param share from 0, for none, to 0.9
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B ttlJitter(double share) {
    if (!(share >= 0 && share <= 0.9)) {
      throw new IllegalArgumentException("ttlJitter is " + share + ", expected 0 to 0.9");
    }
    this.ttlJitter = share;
    return self();
  }

  /**
   * Sets how many entries L1 holds; 10,000 by default.
   *
   * @param entries from 1
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   * @throws IllegalStateException if a maximum weight is set
   */
  public B l1MaximumSize(long entries) {
    if (entries < 1) {
      throw new IllegalArgumentException("l1MaximumSize is " + entries + ", expected 1 or more");
    }
    if (l1Weigher != null) {
      throw new IllegalStateException("l1MaximumWeight is set, so l1MaximumSize cannot be");
    }
    this.l1MaximumSize = entries;
    this.sized = true;
    return self();
  }

  /**
   * Sets the weight of all entries that L1 holds, in place of their number.
   *
   * @param weight from 1
   * @param weigher gives the weight of an entry, 0 or more, of any unit
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   * @throws IllegalStateException if a maximum size is set
   */
  public B l1MaximumWeight(long weight, ToIntBiFunction<? super K, ? super V> weigher) {
    Objects.requireNonNull(weigher, "weigher");
    if (weight < 1) {
      throw new IllegalArgumentException("l1MaximumWeight is " + weight + ", expected 1 or more");
    }
    if (sized) {
      throw new IllegalStateException("l1MaximumSize is set, so l1MaximumWeight cannot be");
    }
    this.l1MaximumSize = weight;
    this.l1Weigher = weigher;
    return self();
  }

  /**
   * Sets how long an expired value may serve when its load fails; not at all by default. What was
   * invalidated does not serve.
   *
   * @param window from 1 ms to 365 days
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B staleIfError(Duration window) {
    this.staleIfError = lifetime("staleIfError", window);
    return self();
  }

  /**
   * Sets after which time a load leaves its callers to the expired value, if there is one, and goes
   * on without them; never by default. Loaders then run on threads of the caches.
   *
   * @param timeout from 1 ms to 1 hour, not over the hard one; needs {@link #staleIfError}
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B softTimeout(Duration timeout) {
    this.softTimeout = within("softTimeout", timeout, MIN_TTL, MAX_LOAD);
    return self();
  }

  /**
   * Sets after which time a load fails its callers; never by default. It goes on, and what it loads
   * is cached if nothing came between. Loaders then run on threads of the caches.
   *
   * @param timeout from 1 ms to 1 hour
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B hardTimeout(Duration timeout) {
    this.hardTimeout = within("hardTimeout", timeout, MIN_TTL, MAX_LOAD);
    return self();
  }

  /**
   * Sets the beta of XFetch (Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache
   * Stampede Prevention, 2015), 1 by default: a read refreshes a value that it serves with a
   * probability of exp(-time left / (beta x time of the load)).
   *
   * @param beta from 0, for never, to 100
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B earlyRefresh(double beta) {
    if (!(beta >= 0 && beta <= 100)) {
      throw new IllegalArgumentException("earlyRefresh is " + beta + ", expected 0 to 100");
    }
    this.earlyRefresh = beta;
    return self();
  }

  /**
   * Sets how long it is kept that a loader returned null; not at all by default.
   *
   * @param ttl from 1 ms to 365 days
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B negativeTtl(Duration ttl) {
    this.negativeTtl = lifetime("negativeTtl", ttl);
    return self();
  }

  /**
   * Sets what gives the tags of each entry that is loaded or put, by which {@link
   * TieredCache#invalidateTag} drops it; none by default.
   *
   * @param tags gives at most 64 tags of at most 256 bytes each
   * @return this builder
   */
  public B tagsOf(BiFunction<? super K, ? super V, Set<String>> tags) {
    this.tagsOf = Objects.requireNonNull(tags, "tags");
    return self();
  }

  /**
   * Sets what gives the time to live of each entry that is loaded or put, in place of that of the
   * cache.
   *
   * @param ttl gives 1 ms to 365 days
   * @return this builder
   */
  public B ttlOf(BiFunction<? super K, ? super V, Duration> ttl) {
    this.ttlOf = Objects.requireNonNull(ttl, "ttl");
    return self();
  }

  /**
   * Sets where the cache registers its meters, named {@code escalera.cache.…}; nowhere by default.
   *
   * @param registry the host's registry
   * @return this builder
   */
  public B meterRegistry(MeterRegistry registry) {
    this.meterRegistry = Objects.requireNonNull(registry, "registry");
    return self();
  }

  /**
   * Returns this builder as what it is.
   *
   * @return this
   */
  protected abstract B self();

  /**
   * Returns the options as they are set.
   *
   * @param remote those of the store
   * @return the options
   * @throws IllegalArgumentException if they conflict
   */
  final CacheOptions<K, V> options(RemoteOptions remote) {
    Duration l1Ttl = Objects.requireNonNullElse(remote.l1Ttl(), ttl);
    if (l1Ttl.compareTo(ttl) > 0) {
      throw new IllegalArgumentException("l1Ttl is " + l1Ttl + ", longer than the ttl of " + ttl);
    }
    if (softTimeout != null && hardTimeout != null && softTimeout.compareTo(hardTimeout) > 0) {
      throw new IllegalArgumentException(
          "softTimeout is " + softTimeout + ", longer than the hardTimeout of " + hardTimeout);
    }
    if (softTimeout != null && staleIfError.isZero()) {
      throw new IllegalArgumentException(
          "softTimeout is " + softTimeout + " without staleIfError: nothing could be served");
    }
    return new CacheOptions<>(
        name,
        ttl,
        ttlJitter,
        l1MaximumSize,
        l1Weigher,
        l1Ttl,
        remote.remoteBudget(),
        remote.maxStaleness(),
        remote.onRemoteLoss(),
        Objects.requireNonNullElse(remote.outageTtl(), l1Ttl),
        remote.freshness(),
        remote.recoveryRate(),
        staleIfError,
        softTimeout,
        hardTimeout,
        earlyRefresh,
        remote.compression(),
        negativeTtl,
        remote.crossNodeSingleFlight(),
        tagsOf,
        ttlOf,
        meterRegistry);
  }

  /**
   * Returns the options of a cache without a store.
   *
   * @return the options
   * @throws IllegalArgumentException if they conflict
   */
  protected final CacheOptions<K, V> localOptions() {
    return options(RemoteOptions.NONE);
  }

  /** What only a cache with a store has. */
  record RemoteOptions(
      @Nullable Duration l1Ttl,
      Duration remoteBudget,
      Duration maxStaleness,
      OnRemoteLoss onRemoteLoss,
      @Nullable Duration outageTtl,
      Freshness freshness,
      int recoveryRate,
      Compression compression,
      boolean crossNodeSingleFlight) {
    static final RemoteOptions NONE =
        new RemoteOptions(
            null,
            Duration.ZERO,
            Duration.ZERO,
            OnRemoteLoss.SERVE_LOCAL,
            null,
            Freshness.BOUNDED,
            1,
            Compression.NONE,
            false);
  }

  static Duration lifetime(String option, Duration value) {
    return within(option, value, MIN_TTL, MAX_TTL);
  }

  /**
   * Returns a duration that is within bounds.
   *
   * @param option its name
   * @param value the duration
   * @param least the shortest
   * @param most the longest
   * @return the duration
   * @throws IllegalArgumentException if the value is out of range
   */
  protected static Duration within(String option, Duration value, Duration least, Duration most) {
    Objects.requireNonNull(value, option);
    if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
      throw new IllegalArgumentException(
          option + " is " + value + ", expected " + least + " to " + most);
    }
    return value;
  }
}
