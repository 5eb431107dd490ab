package dev.escalera.ratelimit.firestore;

import com.google.cloud.firestore.Firestore;
import dev.escalera.ratelimit.RateLimitException;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.RateLimiterOptions;
import dev.escalera.ratelimit.RemoteRateLimiterBuilder;
import dev.escalera.ratelimit.internal.CasBuckets;
import dev.escalera.ratelimit.internal.Leases;
import dev.escalera.ratelimit.internal.Limits;
import dev.escalera.ratelimit.internal.ProcessClock;
import dev.escalera.ratelimit.internal.RemoteRateLimiter;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
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
  public static final class Builder extends RemoteRateLimiterBuilder<Builder> {
    private static final Duration DEADLINE = Duration.ofSeconds(1);
    private static final int MAX_SHARDS = 100;

    private final Firestore firestore;
    private Leases.@Nullable Terms terms = Leases.Terms.of(Duration.ofSeconds(2));
    private final Map<String, Integer> shards = new HashMap<>();
    private Supplier<OptionalLong> clock = OptionalLong::empty;
    private ProcessClock processClock = ProcessClock.system();

    private Builder(Firestore firestore) {
      super("FirestoreRateLimiter", DEADLINE);
      this.firestore = Objects.requireNonNull(firestore, "firestore");
    }

    /**
     * Sets for how long tokens are leased to a node at most, where a bucket is in demand; 2 s by
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
                  within("lease", lease, Duration.ofMillis(100), Duration.ofMinutes(1)));
      return this;
    }

    /**
     * Spreads each bucket of a limit over several documents, each of which holds and gains its part
     * of the tokens: for a limit that more nodes share than one document bears, which is some two
     * with leases of 2 s. Together they admit no more than one would, but a node may be denied what
     * lies in another document, until it asks again. All nodes should agree on it.
     *
     * @param limit the name of the limit
     * @param shards how many, from 1 to 100 and no more than the burst, and so few that a limit of
     *     so many times the period can be; no request may cost more than its part of the burst. A
     *     limit that depends on the subject is checked at each decision, which throws {@link
     *     RateLimitException}
     * @return this builder
     * @throws IllegalArgumentException if the number is out of range
     */
    public Builder shards(String limit, int shards) {
      Objects.requireNonNull(limit, "limit");
      if (shards < 1 || shards > MAX_SHARDS) {
        throw new IllegalArgumentException("shards is " + shards + ", expected 1 to " + MAX_SHARDS);
      }
      this.shards.put(limit, shards);
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
     * @throws IllegalStateException if no limit was given, or two of one name, or shards of none or
     *     more than a limit can be spread over
     */
    @Override
    public RateLimiter build() {
      RateLimiterOptions options = options();
      Limits limits = new Limits(options);
      shards.forEach(limits::requireShards);
      CasBuckets store =
          new CasBuckets(
              new FirestoreBuckets(firestore, options.name(), options.deadline()),
              limits.counters(),
              processClock,
              clock,
              terms,
              shards,
              options.deadline());
      return new RemoteRateLimiter(options, store, limits, processClock);
    }

    @Override
    protected Builder self() {
      return this;
    }
  }
}
