package dev.escalera.cache;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The options of a cache that has a store behind it. Not safe for use by several threads.
 *
 * @param <B> the builder itself
 */
public abstract class RemoteCacheBuilder<B extends RemoteCacheBuilder<B>> extends CacheBuilder<B> {
  private @Nullable Duration l1Ttl;
  private Duration remoteBudget;

  /**
   * Makes a builder.
   *
   * @param name of the cache, 1 to 100 characters
   * @param ttl how long a value lives, 1 ms to 365 days
   * @param remoteBudget the default of {@link #remoteBudget}
   * @throws IllegalArgumentException if a value is out of range
   */
  protected RemoteCacheBuilder(String name, Duration ttl, Duration remoteBudget) {
    super(name, ttl);
    this.remoteBudget = remoteBudget;
  }

  /**
   * Sets how long a value lives in L1, the time to live by default. It also bounds how long a node
   * can serve an old value if it is cut off without noticing.
   *
   * @param l1Ttl from 1 ms to the time to live, which {@code build()} checks
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B l1Ttl(Duration l1Ttl) {
    this.l1Ttl = within("l1Ttl", l1Ttl, Duration.ofMillis(1), Duration.ofDays(365));
    return self();
  }

  /**
   * Sets how long one call may wait for the store in all, whatever number of operations it makes:
   * 50 ms on Redis and 250 ms on Firestore by default. Reads then go on to the loader, writes fail.
   *
   * @param budget from 1 ms to 1 minute
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B remoteBudget(Duration budget) {
    this.remoteBudget = within("remoteBudget", budget, Duration.ofMillis(1), Duration.ofMinutes(1));
    return self();
  }

  /**
   * Returns the options as they are set.
   *
   * @return the options
   * @throws IllegalArgumentException if they conflict
   */
  protected final CacheOptions options() {
    return options(l1Ttl, remoteBudget);
  }
}
