package dev.escalera.ratelimit;

import java.time.Duration;
import java.util.Objects;

/**
 * The options of a rate limiter that has its buckets in a store. Not safe for use by several
 * threads.
 *
 * @param <B> the builder itself
 */
public abstract class RemoteRateLimiterBuilder<B extends RemoteRateLimiterBuilder<B>>
    extends RateLimiterBuilder<B> {
  private static final Duration LONGEST = Duration.ofMinutes(1);

  private FailurePolicy policy = FailurePolicy.FAIL_OPEN;
  private Duration deadline;
  private Duration denyCacheMax = Duration.ofSeconds(1);

  /**
   * Makes a builder.
   *
   * @param name of the limiter, unless the host names it
   * @param deadline the default of {@link #deadline}
   */
  protected RemoteRateLimiterBuilder(String name, Duration deadline) {
    super(name);
    this.deadline = deadline;
  }

  /**
   * Sets what decides while the store does not; {@link FailurePolicy#FAIL_OPEN} by default.
   *
   * @param policy the policy
   * @return this builder
   */
  public B onBackendFailure(FailurePolicy policy) {
    this.policy = Objects.requireNonNull(policy, "policy");
    return self();
  }

  /**
   * Sets how long a decision waits for the store, lost races included, before the failure policy
   * decides: 50 ms on Redis and 1 s on Firestore by default.
   *
   * @param deadline from 1 ms to 1 minute
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B deadline(Duration deadline) {
    this.deadline = within("deadline", deadline, Duration.ofMillis(1), LONGEST);
    return self();
  }

  /**
   * Sets how long a denial answers further requests in this process at most, and so how late a
   * change made on another node may be noticed; 1 s by default.
   *
   * @param denyCacheMax from 0, which asks the store every time, to 1 minute
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B denyCacheMax(Duration denyCacheMax) {
    this.denyCacheMax = within("denyCacheMax", denyCacheMax, Duration.ZERO, LONGEST);
    return self();
  }

  @Override
  protected final RateLimiterOptions options() {
    return options(policy, deadline, denyCacheMax);
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
