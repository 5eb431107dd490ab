package dev.escalera.ratelimit.internal;

import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.Limit;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Reads decisions off the state of buckets. */
public final class Verdict {
  private Verdict() {}

  /** Returns whether all buckets, less what was taken since, hold the cost. */
  static boolean allows(List<TokenBucket> buckets, long taken, long cost) {
    for (TokenBucket bucket : buckets) {
      if (bucket.tokens() - taken < cost) {
        return false;
      }
    }
    return true;
  }

  /** Makes the decision on buckets that were refilled and, if it was allowed, charged. */
  public static Decision of(
      List<Target> targets,
      List<TokenBucket> after,
      boolean allowed,
      long cost,
      DecisionSource source,
      long timeNanos) {
    int decider = decider(after, allowed, cost);
    TokenBucket bucket = after.get(decider);
    Limit limit = holding(targets.get(decider), bucket.figures());
    return of(limit, bucket, allowed, cost, source, timeNanos);
  }

  /** Makes the decision on a bucket that was refilled and, if it was allowed, charged. */
  public static Decision of(
      Limit limit,
      TokenBucket bucket,
      boolean allowed,
      long cost,
      DecisionSource source,
      long timeNanos) {
    return new Decision(
        allowed,
        limit,
        bucket.tokens(),
        allowed ? 0 : TimeUnit.MICROSECONDS.toNanos(bucket.microsUntil(cost)),
        TimeUnit.MICROSECONDS.toNanos(bucket.microsToFull()),
        source,
        timeNanos);
  }

  /** The limit as it holds, which need not be as this node has it. */
  public static Limit holding(Target target, Figures figures) {
    return holding(target.limit(), target.figures(), figures);
  }

  /** The limit as it holds where this node has {@code asked}, which need not be that. */
  public static Limit holding(Limit limit, Figures asked, Figures figures) {
    return figures.equals(asked) ? limit : figures.limit(limit.name());
  }

  /** Which of the buckets decided. */
  static int decider(List<TokenBucket> after, boolean allowed, long cost) {
    return allowed ? scarcest(after) : slowest(after, cost);
  }

  private static int scarcest(List<TokenBucket> buckets) {
    int least = 0;
    for (int i = 1; i < buckets.size(); i++) {
      if (buckets.get(i).tokens() < buckets.get(least).tokens()) {
        least = i;
      }
    }
    return least;
  }

  private static int slowest(List<TokenBucket> buckets, long cost) {
    int longest = 0;
    for (int i = 1; i < buckets.size(); i++) {
      if (buckets.get(i).microsUntil(cost) > buckets.get(longest).microsUntil(cost)) {
        longest = i;
      }
    }
    return longest;
  }
}
