package dev.escalera.ratelimit.local;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.RateLimiterStats;
import dev.escalera.ratelimit.internal.AbstractRateLimiter;
import dev.escalera.ratelimit.internal.Counters;
import dev.escalera.ratelimit.internal.Limits;
import dev.escalera.ratelimit.internal.ProcessClock;
import dev.escalera.ratelimit.internal.Target;
import dev.escalera.ratelimit.internal.TokenBucket;
import dev.escalera.ratelimit.internal.Verdict;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** The buckets of one process in a bounded table. */
final class LocalBuckets extends AbstractRateLimiter {
  /** Caffeine may take a use for one of a second before. */
  private static final Duration INEXACT_EXPIRY = Duration.ofSeconds(2);

  private static final Comparator<Target> ORDER =
      Comparator.<Target, String>comparing(target -> target.key().limit())
          .thenComparing(target -> target.key().subject());

  private final Counters counters;
  private final Cache<Target.Key, LocalBucket> buckets;

  LocalBuckets(Limits limits, long maximumSubjects, ProcessClock clock) {
    super("LocalRateLimiter", limits, clock);
    this.counters = limits.counters();
    this.buckets =
        Caffeine.newBuilder()
            .maximumSize(maximumSubjects)
            .ticker(clock::nanos)
            .expireAfter(
                Expiry.<Target.Key, LocalBucket>accessing((key, bucket) -> timeToFull(bucket)))
            .<Target.Key, LocalBucket>evictionListener(
                (key, bucket, cause) -> Objects.requireNonNull(bucket).retire())
            .build();
  }

  @Override
  protected CompletableFuture<Decision> decide(List<Target> targets, long cost) {
    return CompletableFuture.completedFuture(decideNow(targets, cost));
  }

  @Override
  protected Decision decideNow(List<Target> targets, long cost) {
    Decision decision = targets.size() == 1 ? one(targets, cost) : all(targets, cost);
    return counters.count(decision);
  }

  @Override
  public Decision peek(String limit, String subject) {
    Target target = checked(limit, subject);
    LocalBucket bucket = buckets.getIfPresent(target.key());
    long nanos = clock.nanos();
    TokenBucket now =
        bucket == null
            ? TokenBucket.full(target.figures(), nanos / 1_000)
            : bucket.look(target.figures(), nanos / 1_000);
    return verdict(List.of(target), List.of(now), now.tokens() >= 1, 1, nanos);
  }

  @Override
  public void reset(String limit, String subject) {
    Target target = checked(limit, subject);
    LocalBucket bucket = buckets.asMap().remove(target.key());
    if (bucket != null) {
      bucket.retire();
    }
  }

  @Override
  public RateLimiterStats stats() {
    return counters.stats(() -> false, () -> 1);
  }

  @Override
  public void close() {
    super.close();
    buckets.invalidateAll();
  }

  /** Returns how many subjects are limited at present. */
  long subjects() {
    buckets.cleanUp();
    return buckets.estimatedSize();
  }

  private Decision one(List<Target> targets, long cost) {
    Target target = targets.get(0);
    while (true) {
      LocalBucket bucket = bucket(target);
      synchronized (bucket) {
        if (bucket.isRetired()) {
          continue;
        }
        // Read in here, so that no one goes back behind another's time.
        long nanos = clock.nanos();
        TokenBucket now = bucket.look(target.figures(), nanos / 1_000);
        boolean allowed = now.tokens() >= cost;
        TokenBucket after = allowed ? now.take(cost) : now;
        bucket.set(after);
        return verdict(targets, List.of(after), allowed, cost, nanos);
      }
    }
  }

  /** All or nothing: locks the buckets in one order for everyone. */
  private Decision all(List<Target> targets, long cost) {
    List<Target> ordered = new ArrayList<>(targets);
    ordered.sort(ORDER);
    while (true) {
      List<LocalBucket> found = new ArrayList<>(ordered.size());
      for (Target target : ordered) {
        found.add(bucket(target));
      }
      Decision decision = locked(ordered, found, 0, cost);
      if (decision != null) {
        return decision;
      }
    }
  }

  private @Nullable Decision locked(
      List<Target> targets, List<LocalBucket> found, int next, long cost) {
    if (next < found.size()) {
      synchronized (found.get(next)) {
        return found.get(next).isRetired() ? null : locked(targets, found, next + 1, cost);
      }
    }
    long nanos = clock.nanos();
    List<TokenBucket> states = new ArrayList<>(found.size());
    boolean allowed = true;
    for (int i = 0; i < found.size(); i++) {
      TokenBucket now = found.get(i).look(targets.get(i).figures(), nanos / 1_000);
      states.add(now);
      allowed &= now.tokens() >= cost;
    }
    for (int i = 0; i < found.size(); i++) {
      if (allowed) {
        states.set(i, states.get(i).take(cost));
      }
      found.get(i).set(states.get(i));
    }
    return verdict(targets, states, allowed, cost, nanos);
  }

  private Decision verdict(
      List<Target> targets, List<TokenBucket> after, boolean allowed, long cost, long nanos) {
    return Verdict.of(targets, after, allowed, cost, DecisionSource.LOCAL, clock.instant(nanos));
  }

  private LocalBucket bucket(Target target) {
    LocalBucket bucket = buckets.getIfPresent(target.key());
    return bucket != null
        ? bucket
        : buckets.get(
            target.key(),
            key -> new LocalBucket(TokenBucket.full(target.figures(), clock.nanos() / 1_000)));
  }

  private static Duration timeToFull(LocalBucket bucket) {
    return Duration.of(bucket.state().figures().microsToFull(), ChronoUnit.MICROS)
        .plus(INEXACT_EXPIRY);
  }
}
