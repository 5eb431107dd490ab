package dev.escalera.ratelimit.local;

import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimiterStats;
import dev.escalera.ratelimit.internal.AbstractRateLimiter;
import dev.escalera.ratelimit.internal.Counters;
import dev.escalera.ratelimit.internal.Figures;
import dev.escalera.ratelimit.internal.Limits;
import dev.escalera.ratelimit.internal.ProcessClock;
import dev.escalera.ratelimit.internal.Target;
import dev.escalera.ratelimit.internal.TokenBucket;
import dev.escalera.ratelimit.internal.Verdict;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** The buckets of one process, in a bounded table a limit. */
final class LocalBuckets extends AbstractRateLimiter {
  private static final Comparator<Target> ORDER =
      Comparator.<Target, String>comparing(target -> target.key().limit())
          .thenComparing(target -> target.key().subject());

  private final Counters counters;
  private final List<BucketTable> tables = new ArrayList<>();

  LocalBuckets(Limits limits, long maximumSubjects, ProcessClock clock) {
    super("LocalRateLimiter", limits, clock);
    this.counters = limits.counters();
    for (int i = 0; i < limits.size(); i++) {
      tables.add(new BucketTable(maximumSubjects, clock));
    }
  }

  @Override
  protected CompletableFuture<Decision> decide(List<Target> targets, long cost) {
    return CompletableFuture.completedFuture(decideNow(targets, cost));
  }

  @Override
  protected Decision decideNow(List<Target> targets, long cost) {
    if (targets.size() > 1) {
      return counters.count(all(targets, cost));
    }
    Target target = targets.get(0);
    Target.Key key = target.key();
    return decideNow(limits.named(key.limit()), target.limit(), key.subject(), cost);
  }

  @Override
  protected Decision decideNow(Limits.Named named, Limit limit, String subject, long cost) {
    BucketTable table = tables.get(named.index());
    Figures figures = named.figures(limit);
    while (true) {
      LocalBucket bucket = table.of(subject, figures);
      TokenBucket after;
      boolean allowed;
      long nanos = clock.nanos();
      synchronized (bucket) {
        if (bucket.isRetired()) {
          table.drop(subject, bucket);
          continue;
        }
        if (bucket.isAfter(nanos / 1_000)) {
          // Another was faster. No one goes back behind another's time, but all follow the clock.
          nanos = clock.nanos();
        }
        TokenBucket now = bucket.look(figures, nanos / 1_000);
        allowed = now.tokens() >= cost;
        after = now.take(allowed ? cost : 0);
        bucket.set(after);
      }
      table.sweepIfDue(nanos);
      Limit holding = Verdict.holding(limit, figures, after.figures());
      return named.decisions().count(decision(holding, after, allowed, cost, nanos));
    }
  }

  @Override
  public Decision peek(String limit, String subject) {
    Target target = checked(limit, subject, 1);
    LocalBucket bucket = table(target).find(subject);
    long nanos = clock.nanos();
    TokenBucket now = TokenBucket.full(target.figures(), nanos / 1_000);
    if (bucket != null) {
      synchronized (bucket) {
        now = bucket.look(target.figures(), nanos / 1_000);
      }
    }
    Limit holding = Verdict.holding(target, now.figures());
    return decision(holding, now, now.tokens() >= 1, 1, nanos);
  }

  @Override
  public void reset(String limit, String subject) {
    table(checked(limit, subject, 1)).remove(subject);
  }

  @Override
  public RateLimiterStats stats() {
    return counters.stats(() -> false, () -> 1);
  }

  @Override
  public void close() {
    super.close();
    tables.forEach(BucketTable::clear);
  }

  /** Removes full buckets. */
  void sweep() {
    tables.forEach(BucketTable::sweep);
  }

  /** Returns how many buckets are kept at present. */
  long size() {
    return tables.stream().mapToLong(BucketTable::size).sum();
  }

  BucketTable table(Target target) {
    return tables.get(limits.named(target.key().limit()).index());
  }

  private Decision decision(
      Limit limit, TokenBucket after, boolean allowed, long cost, long nanos) {
    return Verdict.of(limit, after, allowed, cost, DecisionSource.LOCAL, clock.epochNanos(nanos));
  }

  /** All or nothing: locks the buckets in one order for everyone. */
  private Decision all(List<Target> targets, long cost) {
    List<Target> ordered = new ArrayList<>(targets);
    ordered.sort(ORDER);
    while (true) {
      List<LocalBucket> found = new ArrayList<>(ordered.size());
      for (Target target : ordered) {
        found.add(table(target).of(target.key().subject(), target.figures()));
      }
      Decision decision = locked(ordered, found, 0, cost);
      if (decision != null) {
        long nanos = clock.nanos();
        ordered.forEach(target -> table(target).sweepIfDue(nanos));
        return decision;
      }
    }
  }

  private @Nullable Decision locked(
      List<Target> targets, List<LocalBucket> found, int next, long cost) {
    if (next < found.size()) {
      synchronized (found.get(next)) {
        if (!found.get(next).isRetired()) {
          return locked(targets, found, next + 1, cost);
        }
      }
      Target target = targets.get(next);
      table(target).drop(target.key().subject(), found.get(next));
      return null;
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
    return Verdict.of(
        targets, states, allowed, cost, DecisionSource.LOCAL, clock.epochNanos(nanos));
  }
}
