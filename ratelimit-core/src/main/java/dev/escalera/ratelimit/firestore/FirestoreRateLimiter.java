package dev.escalera.ratelimit.firestore;

import com.google.cloud.firestore.Firestore;
import dev.escalera.ratelimit.FailurePolicy;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.internal.Limits;
import dev.escalera.ratelimit.internal.RemoteRateLimiter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.function.Supplier;

/**
 * A rate limiter whose buckets are documents in Firestore, shared by all that use the same database
 * and the same names: a read and, if it admits, a compare-and-set a decision, by the read time of
 * Firestore.
 *
 * <p>Firestore sustains about one write a second to a document: this is for limits of that order a
 * subject. A decision that loses races longer than the deadline is left to the failure policy.
 */
public final class FirestoreRateLimiter {
  private FirestoreRateLimiter() {}

  /**
   * Starts a rate limiter on Firestore.
   *
   * @param firestore the host's client; the limiter never closes it
   * @return a builder that wants at least one limit
   */
  public static Builder builder(Firestore firestore) {
    return new Builder(firestore);
  }

  /** Builds a {@link RateLimiter} on Firestore. Not safe for use by several threads. */
  public static final class Builder {
    private final Firestore firestore;
    private final List<Limit> limits = new ArrayList<>();
    private FailurePolicy policy = FailurePolicy.FAIL_OPEN;
    private Duration deadline = Duration.ofSeconds(1);
    private Supplier<OptionalLong> clock = OptionalLong::empty;

    private Builder(Firestore firestore) {
      this.firestore = Objects.requireNonNull(firestore, "firestore");
    }

    /**
     * Adds a limit.
     *
     * @param limit one of a name that was not given yet
     * @return this builder
     */
    public Builder limit(Limit limit) {
      limits.add(Objects.requireNonNull(limit, "limit"));
      return this;
    }

    /**
     * Sets what decides while Firestore does not; {@link FailurePolicy#FAIL_OPEN} by default.
     *
     * @param policy the policy
     * @return this builder
     */
    public Builder onBackendFailure(FailurePolicy policy) {
      this.policy = Objects.requireNonNull(policy, "policy");
      return this;
    }

    /**
     * Sets how long a decision may take, lost races included, before the failure policy decides; 1
     * s by default.
     *
     * @param deadline from 1 ms to 1 minute
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder deadline(Duration deadline) {
      if (deadline.compareTo(Duration.ofMillis(1)) < 0
          || deadline.compareTo(Duration.ofMinutes(1)) > 0) {
        throw new IllegalArgumentException(
            "deadline is " + deadline + ", expected 1 ms to 1 minute");
      }
      this.deadline = deadline;
      return this;
    }

    /** Replaces the clock of Firestore, in microseconds. */
    Builder clock(Supplier<OptionalLong> clock) {
      this.clock = clock;
      return this;
    }

    /**
     * Builds the rate limiter; Firestore is not called before the first decision.
     *
     * @return a rate limiter
     * @throws IllegalStateException if no limit was given, or two of one name
     */
    public RateLimiter build() {
      return new RemoteRateLimiter(
          "FirestoreRateLimiter",
          new Limits(limits),
          new FirestoreBuckets(firestore, deadline, clock),
          policy);
    }
  }
}
