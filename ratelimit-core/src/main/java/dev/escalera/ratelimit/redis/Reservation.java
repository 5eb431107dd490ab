package dev.escalera.ratelimit.redis;

import dev.escalera.ratelimit.internal.LeaseBook;
import dev.escalera.ratelimit.internal.Leases;
import dev.escalera.ratelimit.internal.Store.Batch;
import dev.escalera.ratelimit.internal.Store.Reply;
import dev.escalera.ratelimit.internal.Target;
import dev.escalera.ratelimit.internal.TokenBucket;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;

/**
 * One decision on several limits of which some are leased, and so may lie anywhere: what is leased
 * is reserved in this process first, then the others are asked in one call; if anyone denies, what
 * was reserved is given back to the lease, and nothing was taken.
 */
final class Reservation {
  private final RedisBuckets buckets;
  private final LeaseBook book;
  private final List<Target> targets;
  private final long cost;
  private final long end;
  private final List<Target> leased = new ArrayList<>();
  private final List<Target> exact = new ArrayList<>();

  /** What is reserved, and of which lease. */
  private final Map<Target, String> reserved = new HashMap<>();

  private final Map<Target, TokenBucket> seen = new HashMap<>();

  Reservation(
      RedisBuckets buckets, LeaseBook book, List<Target> targets, long cost, long timeoutNanos) {
    this.buckets = buckets;
    this.book = book;
    this.targets = targets;
    this.cost = cost;
    this.end = System.nanoTime() + timeoutNanos;
    for (Target target : targets) {
      (buckets.isLeased(target) ? leased : exact).add(target);
    }
  }

  /** Takes the cost from all or from none. */
  CompletableFuture<Reply> take() {
    return reserve(0)
        .whenComplete(
            (reply, failure) -> {
              if (failure != null || !allows(reply.before())) {
                reserved.forEach((target, lease) -> book.unspend(target, lease, cost));
              }
            });
  }

  private CompletableFuture<Reply> reserve(int next) {
    for (int i = next; i < leased.size(); i++) {
      Target target = leased.get(i);
      Leases.Spent spent = book.spend(target, cost);
      if (spent == null) {
        return fetch(target, i);
      }
      reserved(target, spent.id(), spent.left() + cost);
    }
    if (exact.isEmpty()) {
      return CompletableFuture.completedFuture(reply());
    }
    return buckets
        .ask(new Batch(exact, List.of(cost), 0), left())
        .thenApply(reply -> saw(exact, reply));
  }

  /** Fetches a lease, or waits for one that is being fetched. */
  private CompletableFuture<Reply> fetch(Target target, int next) {
    if (left() <= 0) {
      return CompletableFuture.failedFuture(
          new TimeoutException("others spent what was leased of " + target.key()));
    }
    return buckets
        .fetch(target, cost, left())
        .thenCompose(
            fetched -> {
              TokenBucket bucket = fetched.reply().before().get(0);
              if (fetched.spent()) {
                reserved(target, fetched.lease(), fetched.granted());
                return reserve(next + 1);
              }
              if (bucket.tokens() < cost) {
                seen.put(target, bucket);
                return look(0);
              }
              return reserve(next);
            });
  }

  /** It is denied: says how things stand with those that were not asked. */
  private CompletableFuture<Reply> look(int next) {
    for (int i = next; i < leased.size(); i++) {
      Target target = leased.get(i);
      if (!seen.containsKey(target)) {
        int after = i + 1;
        return look(List.of(target)).thenCompose(reply -> look(after));
      }
    }
    return exact.isEmpty() ? CompletableFuture.completedFuture(reply()) : look(exact);
  }

  private CompletableFuture<Reply> look(List<Target> some) {
    return buckets
        .ask(new Batch(some, List.of(), 0), Math.max(1, left()))
        .thenApply(reply -> saw(some, reply));
  }

  private void reserved(Target target, String lease, long tokens) {
    reserved.put(target, lease);
    seen.put(target, new TokenBucket(tokens, 0, buckets.micros(), target.figures()));
  }

  private Reply saw(List<Target> some, Reply reply) {
    for (int i = 0; i < some.size(); i++) {
      seen.put(some.get(i), reply.before().get(i));
    }
    return reply();
  }

  /** What is known of each, in order. */
  private Reply reply() {
    List<TokenBucket> before = new ArrayList<>(targets.size());
    for (Target target : targets) {
      TokenBucket bucket = seen.get(target);
      if (bucket != null) {
        before.add(bucket);
      }
    }
    return new Reply(before, 0, 0);
  }

  private boolean allows(List<TokenBucket> before) {
    return before.stream().allMatch(bucket -> bucket.tokens() >= cost);
  }

  private long left() {
    return end - System.nanoTime();
  }
}
