package dev.escalera.ratelimit.firestore;

import com.google.cloud.firestore.Firestore;
import dev.escalera.ratelimit.FailurePolicy;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.internal.CasBuckets;
import dev.escalera.ratelimit.internal.Leases;
import dev.escalera.ratelimit.internal.Limits;
import dev.escalera.ratelimit.internal.ProcessClock;
import dev.escalera.ratelimit.internal.RemoteRateLimiter;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

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
    private final Limits.Builder limits = new Limits.Builder();
    private String name = "FirestoreRateLimiter";
    private FailurePolicy policy = FailurePolicy.FAIL_OPEN;
    private Duration deadline = Duration.ofSeconds(1);
    private Duration denyCacheMax = Duration.ofSeconds(1);
    private Leases.@Nullable Terms terms;
    private @Nullable MeterRegistry registry;
    private Supplier<OptionalLong> clock = OptionalLong::empty;
    private ProcessClock processClock = ProcessClock.system();

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
      limits.add(limit);
      return this;
    }

    /**
     * Adds a limit whose figures depend on the subject, such as on a customer's plan.
     *
     * @param name the name of the limit, not given yet
     * @param plan returns the limit of a subject, of the same name; called for every decision on
     *     the thread that asks, so it has to be fast
     * @return this builder
     * @throws IllegalArgumentException if the name cannot be one of a limit
     */
    public Builder limit(String name, Function<String, Limit> plan) {
      limits.add(name, plan);
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
      this.deadline = checked("deadline", deadline, Duration.ofMillis(1), Duration.ofMinutes(1));
      return this;
    }

    /**
     * Sets for how long tokens are leased to a node at most, where a bucket is in demand; none by
     * default. Longer leases cost fewer writes, and more tokens when a node dies.
     *
     * @param lease from 100 ms to 1 minute, or zero for none: then every decision is a read and a
     *     write
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder lease(Duration lease) {
      terms =
          lease.isZero()
              ? null
              : Leases.Terms.of(
                  checked("lease", lease, Duration.ofMillis(100), Duration.ofMinutes(1)));
      return this;
    }

    /**
     * Sets how long a denial answers further requests in this process at most, and so how late a
     * change made on another node may be noticed; 1 s by default.
     *
     * @param denyCacheMax from 0, which asks Firestore every time, to 1 minute
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder denyCacheMax(Duration denyCacheMax) {
      this.denyCacheMax =
          checked("denyCacheMax", denyCacheMax, Duration.ZERO, Duration.ofMinutes(1));
      return this;
    }

    /**
     * Names the limiter in the log and in its meters; {@code FirestoreRateLimiter} by default.
     *
     * @param name the name
     * @return this builder
     */
    public Builder name(String name) {
      this.name = Objects.requireNonNull(name, "name");
      return this;
    }

    /**
     * Publishes meters, {@code escalera.ratelimit.*}; none by default.
     *
     * @param registry where to
     * @return this builder
     */
    public Builder meters(MeterRegistry registry) {
      this.registry = Objects.requireNonNull(registry, "registry");
      return this;
    }

    /** Replaces the clock of Firestore, in microseconds. */
    Builder clock(Supplier<OptionalLong> clock) {
      this.clock = clock;
      return this;
    }

    /** Replaces the clock of this process. */
    Builder processClock(ProcessClock processClock) {
      this.processClock = processClock;
      return this;
    }

    /**
     * Builds the rate limiter; Firestore is not called before the first decision.
     *
     * @return a rate limiter
     * @throws IllegalStateException if no limit was given, or two of one name
     */
    public RateLimiter build() {
      Limits built = limits.build();
      CasBuckets store =
          new CasBuckets(
              new FirestoreBuckets(firestore, name, deadline),
              built.counters(),
              processClock,
              clock,
              terms);
      if (registry != null) {
        built.counters().bind(registry, name, () -> !store.isAvailable(), store::nodes);
      }
      return new RemoteRateLimiter(
          new RemoteRateLimiter.Options(name, deadline, denyCacheMax, policy),
          built,
          store,
          processClock);
    }

    private static Duration checked(String what, Duration value, Duration least, Duration most) {
      if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
        throw new IllegalArgumentException(
            what + " is " + value + ", expected " + least + " to " + most);
      }
      return value;
    }
  }
}
