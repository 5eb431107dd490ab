package dev.escalera.ratelimit.internal;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.DecisionSource;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the store last said to those it denied: until the tokens can be there, the next need not
 * ask. Sound as long as only time adds tokens.
 */
final class Denials {
  private static final long MAX_KEYS = 100_000;

  private final ProcessClock clock;
  private final long maxNanos;
  private final Cache<Target.Key, Denial> denials;

  /** When a call was sent and answered, and until when it is better not to ask again. */
  record Times(long sent, long answered, long pausedUntil) {}

  /** The bucket at a denial, which the store made after the call was sent and before its answer. */
  private record Denial(TokenBucket bucket, Figures asked, Times times) {}

  Denials(Duration max, ProcessClock clock) {
    this.clock = clock;
    this.maxNanos = max.toNanos();
    this.denials =
        Caffeine.newBuilder()
            .maximumSize(MAX_KEYS)
            .ticker(clock::nanos)
            .expireAfterWrite(max)
            .build();
  }

  /** Returns the times of a call that is answered now. */
  Times answered(long sent, long pauseNanos) {
    return new Times(sent, clock.nanos(), sent + pauseNanos);
  }

  void denied(Target target, TokenBucket bucket, Times times) {
    if (maxNanos > 0) {
      denials.put(target.key(), new Denial(bucket, target.figures(), times));
    }
  }

  /** Learns of what was admitted after a denial, which does not end it for others. */
  void admitted(Target target, TokenBucket bucket, Times times) {
    if (denials.getIfPresent(target.key()) != null) {
      denied(target, bucket, new Times(times.sent, times.answered, times.sent));
    }
  }

  void forget(Target.Key key) {
    denials.invalidate(key);
  }

  /** Returns the denial that holds still for one of the buckets, if any. */
  @Nullable Decision check(List<Target> targets, long cost) {
    for (int i = 0; i < targets.size(); i++) {
      Target target = targets.get(i);
      Denial denial = denials.getIfPresent(target.key());
      if (denial != null) {
        Decision decision = check(denial, target, cost);
        if (decision != null) {
          return decision;
        }
      }
    }
    return null;
  }

  private @Nullable Decision check(Denial denial, Target target, long cost) {
    Times times = denial.times;
    long now = clock.nanos();
    long elapsed = now - times.sent;
    if (elapsed >= maxNanos || !denial.asked.equals(target.figures())) {
      return null;
    }
    TokenBucket then = denial.bucket;
    long paused = times.pausedUntil - now;
    // A thousandth of the time is for clocks that differ.
    if (paused <= 0 && then.refill(then.at() + elapsed / 999 + 1).tokens() >= cost) {
      return null;
    }
    // What is told is the other bound: those who obey do not come too early.
    TokenBucket least = then.refill(then.at() + Math.max(0, now - times.answered) / 1_001);
    Decision decision =
        Verdict.of(
            Verdict.holding(target, least.figures()),
            least,
            false,
            cost,
            DecisionSource.DENY_CACHE,
            clock.epochNanos(now));
    return decision.retryNanos() >= paused ? decision : later(decision, paused);
  }

  private static Decision later(Decision decision, long nanos) {
    return new Decision(
        false,
        decision.limit(),
        decision.remaining(),
        nanos,
        decision.resetNanos(),
        decision.source(),
        decision.timeNanos());
  }
}
