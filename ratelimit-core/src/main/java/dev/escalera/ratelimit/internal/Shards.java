package dev.escalera.ratelimit.internal;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimitException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Spreads a bucket over several, each of which holds and gains its part of the tokens, so that more
 * is written a second than one document bears: together they admit no more than the one would. A
 * node asks one of them, and another after it was denied. Safe for use by several threads.
 */
final class Shards {
  private static final long MAX_KEYS = 100_000;

  private final Map<String, Integer> counts;
  private final ConcurrentMap<Target.Key, Integer> homes =
      Caffeine.newBuilder().maximumSize(MAX_KEYS).<Target.Key, Integer>build().asMap();
  private final Cache<Limit, Limit> parts = Caffeine.newBuilder().maximumSize(MAX_KEYS).build();

  /** {@code counts} says by the name of a limit over how many buckets it is spread. */
  Shards(Map<String, Integer> counts) {
    this.counts = Map.copyOf(counts);
  }

  /** Returns the bucket that this node asks at present. */
  Target at(Target target, long cost) {
    Integer count = counts.get(target.key().limit());
    if (count == null) {
      return target;
    }
    Target part =
        part(
            target,
            count,
            homes.computeIfAbsent(target.key(), key -> ThreadLocalRandom.current().nextInt(count)));
    if (cost > part.figures().burst()) {
      throw new IllegalArgumentException(
          "cost is "
              + cost
              + ", which none of the "
              + count
              + " buckets of limit \""
              + target.key().limit()
              + "\" can ever admit: their burst is "
              + part.figures().burst());
    }
    return part;
  }

  /** Returns all buckets of one that was asked for. */
  List<Target> all(Target target) {
    Integer count = counts.get(target.key().limit());
    if (count == null) {
      return List.of(target);
    }
    List<Target> all = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      all.add(part(target, count, i));
    }
    return all;
  }

  /** The bucket that was asked has not enough: the next one may. */
  void denied(Target.Key key) {
    Integer count = counts.get(key.limit());
    if (count != null) {
      homes.replace(
          new Target.Key(key.limit(), key.subject(), 0), key.shard(), (key.shard() + 1) % count);
    }
  }

  private Target part(Target target, int count, int shard) {
    Limit part = parts.get(target.limit(), limit -> part(limit, count));
    return new Target(
        new Target.Key(target.key().limit(), target.key().subject(), shard),
        target.limit(),
        Figures.of(part));
  }

  /** Returns what each of so many buckets is; throws RateLimitException if they are too many. */
  static Limit part(Limit limit, int count) {
    String problem = "shards is " + count + ", which is too many for " + limit + ": expected ";
    if (limit.burst() < count) {
      throw new RateLimitException(problem + "at most its burst", null);
    }
    try {
      return new Limit(
          limit.name(),
          limit.capacity(),
          limit.period().multipliedBy(count),
          limit.burst() / count,
          limit.revision());
    } catch (IllegalArgumentException e) {
      throw new RateLimitException(
          problem + "so few that one of as many times the period is a limit; " + e.getMessage(), e);
    }
  }
}
