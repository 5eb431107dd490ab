package dev.escalera.cache;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The options that all caches share. Not safe for use by several threads.
 *
 * @param <B> the builder itself
 */
public abstract class CacheBuilder<B extends CacheBuilder<B>> {
  private static final int MAX_NAME_LENGTH = 100;
  private static final Duration MIN_TTL = Duration.ofMillis(1);
  private static final Duration MAX_TTL = Duration.ofDays(365);

  private final String name;
  private final Duration ttl;
  private double ttlJitter = 0.1;
  private long l1MaximumSize = 10_000;

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
    this.ttl = within("ttl", ttl, MIN_TTL, MAX_TTL);
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
   */
  public B l1MaximumSize(long entries) {
    if (entries < 1) {
      throw new IllegalArgumentException("l1MaximumSize is " + entries + ", expected 1 or more");
    }
    this.l1MaximumSize = entries;
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
   * @param l1Ttl how long a value lives in L1; null for the time to live
   * @param remoteBudget how long one call may wait for L2
   * @return the options
   * @throws IllegalArgumentException if they conflict
   */
  protected final CacheOptions options(@Nullable Duration l1Ttl, Duration remoteBudget) {
    if (l1Ttl != null && l1Ttl.compareTo(ttl) > 0) {
      throw new IllegalArgumentException("l1Ttl is " + l1Ttl + ", longer than the ttl of " + ttl);
    }
    return new CacheOptions(
        name, ttl, ttlJitter, l1MaximumSize, Objects.requireNonNullElse(l1Ttl, ttl), remoteBudget);
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
    if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
      throw new IllegalArgumentException(
          option + " is " + value + ", expected " + least + " to " + most);
    }
    return value;
  }
}
