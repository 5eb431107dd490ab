package dev.escalera.ratelimit.internal;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.Limit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Decides alone while the store does not: by this node's share of what was last known to be left,
 * and of the rate. Remembers what it admitted, so that the store can be told. Safe for use by
 * several threads.
 */
final class Fallback {
  private static final long MAX_KEYS = 100_000;
  private static final int MAX_NODES = 1_000;

  private final ProcessClock clock;
  private final Counters counters;
  private final Cache<Target.Key, Entry> entries;

  /** How many times the store came back; a share is of one outage. Guarded by this. */
  private long outage;

  /** What is owed to one bucket. */
  record Debt(Target target, long tokens) {}

  /** All guarded by the fallback. */
  private static final class Entry {
    private long known = -1;
    private @Nullable Figures figures;
    private @Nullable TokenBucket share;
    private long outage;
    private long debt;
    private @Nullable Target target;
  }

  Fallback(ProcessClock clock, Counters counters) {
    this.clock = clock;
    this.counters = counters;
    this.entries =
        Caffeine.newBuilder()
            .maximumSize(MAX_KEYS)
            .<Target.Key, Entry>evictionListener((key, entry, cause) -> forget(entry))
            .executor(Runnable::run)
            .build();
  }

  /** Learns what the store has left. */
  synchronized void saw(Target target, TokenBucket after) {
    Entry entry = entry(target);
    entry.known = after.tokens();
    entry.figures = after.figures();
  }

  /** Forgets what was known of a bucket that was filled. */
  synchronized void forget(Target.Key key) {
    Entry entry = entries.getIfPresent(key);
    if (entry != null) {
      entry.known = -1;
      entry.share = null;
    }
  }

  /** The store is back: what it does not decide next is another outage. */
  synchronized void recovered() {
    outage++;
  }

  synchronized Decision decide(List<Target> targets, long cost, int nodes) {
    long now = clock.nanos();
    List<TokenBucket> shares = new ArrayList<>(targets.size());
    for (Target target : targets) {
      shares.add(share(target, now / 1_000, Math.min(nodes, MAX_NODES)));
    }
    boolean allowed = Verdict.allows(shares, 0, cost);
    for (int i = 0; i < shares.size(); i++) {
      Entry entry = entry(targets.get(i));
      TokenBucket after = allowed ? shares.get(i).take(cost) : shares.get(i);
      shares.set(i, after);
      entry.share = after;
      entry.debt += allowed ? cost : 0;
    }
    int decider = Verdict.decider(shares, allowed, cost);
    Target target = targets.get(decider);
    // The whole one: the figures of a share need not be those of any limit.
    Limit limit = Verdict.holding(target, whole(entry(target), target));
    return Verdict.of(
        limit, shares.get(decider), allowed, cost, DecisionSource.FALLBACK, clock.epochNanos(now));
  }

  /** Returns what is owed to the bucket, and counts on its being told. */
  synchronized long claim(Target.Key key) {
    Entry entry = entries.getIfPresent(key);
    if (entry == null) {
      return 0;
    }
    long debt = entry.debt;
    entry.debt = 0;
    return debt;
  }

  /** Takes back a claim that was not told. */
  synchronized void unclaim(Target target, long debt) {
    entry(target).debt += debt;
  }

  /** Returns what is owed at present, without claiming it. */
  synchronized List<Target> owed() {
    List<Target> owed = new ArrayList<>();
    for (Map.Entry<Target.Key, Entry> each : entries.asMap().entrySet()) {
      Target target = each.getValue().target;
      if (each.getValue().debt > 0 && target != null) {
        owed.add(target);
      }
    }
    return owed;
  }

  private TokenBucket share(Target target, long now, int nodes) {
    Entry entry = entry(target);
    TokenBucket share = entry.share;
    if (share == null || entry.outage != outage) {
      Figures whole = whole(entry, target);
      Figures part =
          new Figures(
              whole.capacity(),
              whole.periodMicros() * nodes,
              Math.max(1, whole.burst() / nodes),
              whole.revision(),
              whole.scale());
      long tokens = entry.known < 0 ? part.burst() : Math.min(part.burst(), entry.known / nodes);
      share = new TokenBucket(tokens, 0, now, part);
      entry.outage = outage;
    }
    return share.refill(now);
  }

  private static Figures whole(Entry entry, Target target) {
    return entry.figures == null ? target.figures() : entry.figures;
  }

  private Entry entry(Target target) {
    Entry entry = entries.get(target.key(), key -> new Entry());
    entry.target = target;
    return entry;
  }

  private void forget(@Nullable Entry entry) {
    if (entry != null && entry.debt > 0) {
      counters.lostDebits.add(entry.debt);
    }
  }
}
