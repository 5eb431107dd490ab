package dev.escalera.ratelimit.internal;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The leases that this node holds, and what it asks for. Safe for use by several threads. */
public final class LeaseBook {
  private static final Logger log = LoggerFactory.getLogger(LeaseBook.class);

  private static final long MAX_KEYS = 100_000;

  /** As many leases are given back when the limiter is closed; others expire. */
  private static final int MAX_GIVEN_BACK = 1_000;

  /** With fewer uses in the time of a lease, a call for each is as good. */
  private static final int MIN_USES = 2;

  private final Counters counters;
  private final ProcessClock clock;
  private final String node = UUID.randomUUID().toString();
  private final Cache<Target.Key, Leases> held;

  /**
   * What a call does to the leases of one bucket.
   *
   * @param ended the lease that it ends, if one was held; it is not spent from now on
   * @param id of the lease that it asks for, null if it asks for none
   * @param wish how many tokens are wished for
   * @param least how many are of use, even where there are too few to be shared out
   * @param sent when the call is sent
   * @param terms how long the lease is
   */
  public record Turn(
      Leases.@Nullable Ended ended,
      @Nullable String id,
      long wish,
      long least,
      long sent,
      Leases.Terms terms) {
    /** Only ends a lease. */
    public static Turn ending(Leases.Ended lease) {
      return new Turn(lease, null, 0, 0, 0, Leases.Terms.of(Duration.ZERO));
    }
  }

  public LeaseBook(Counters counters, ProcessClock clock) {
    this.counters = counters;
    this.clock = clock;
    this.held =
        Caffeine.newBuilder()
            .maximumSize(MAX_KEYS)
            .<Target.Key, Leases>evictionListener(
                (key, leases, cause) -> waste(leases == null ? null : leases.stop(clock.nanos())))
            .build();
  }

  /** Takes the cost from what is leased of each bucket; null if one has not enough. */
  public Store.@Nullable Spent spend(List<Target> targets, long cost) {
    if (targets.size() == 1) {
      Leases.Spent spent = spend(targets.get(0), cost);
      return spent == null ? null : new Store.Spent(targets.get(0), spent.figures(), spent.left());
    }
    List<Leases.Spent> spent = new ArrayList<>(targets.size());
    int scarcest = 0;
    for (Target target : targets) {
      Leases.Spent each = spend(target, cost);
      if (each == null) {
        for (int i = 0; i < spent.size(); i++) {
          unspend(targets.get(i), spent.get(i).id(), cost);
        }
        return null;
      }
      spent.add(each);
      scarcest = each.left() < spent.get(scarcest).left() ? spent.size() - 1 : scarcest;
    }
    Leases.Spent least = spent.get(scarcest);
    return new Store.Spent(targets.get(scarcest), least.figures(), least.left());
  }

  /** Takes the cost from what is leased of a bucket; null if that is not enough. */
  public Leases.@Nullable Spent spend(Target target, long cost) {
    Leases leases = held.getIfPresent(target.key());
    return leases == null ? null : leases.spend(cost, clock.nanos());
  }

  /** Takes back what was spent of a lease on something that was denied elsewhere. */
  public void unspend(Target target, String lease, long cost) {
    Leases leases = held.getIfPresent(target.key());
    if (leases != null) {
      leases.unspend(lease, cost, clock.nanos());
    }
  }

  /**
   * Begins a call that decides on costs: wishes for twice what this node would use in the time of a
   * lease at the rate of late, for nothing if it asks now and then only.
   */
  public Turn turn(Target.Key key, List<Long> costs, Leases.Terms terms) {
    long now = clock.nanos();
    Leases leases = held.get(key, absent -> new Leases(node));
    Leases.Ended ended = leases.stop(now);
    long asked = 0;
    for (long cost : costs) {
      asked += cost;
    }
    long used = leases.used(now, terms.length().toNanos());
    boolean frequent = leases.isFrequent(now, terms.length().toNanos());
    if (costs.size() == 1 && !frequent && used < MIN_USES * asked) {
      // What is asked now and then would only lie idle.
      return new Turn(ended, null, 0, 0, now, terms);
    }
    return new Turn(ended, leases.nextId(), 2 * Math.max(asked, used), 0, now, terms);
  }

  /** Begins a call that only fetches a lease, from which the cost is to be spent. */
  public Turn reserve(Target.Key key, long cost, Leases.Terms terms) {
    long now = clock.nanos();
    Leases leases = held.get(key, absent -> new Leases(node));
    Leases.Ended ended = leases.stop(now);
    boolean frequent = leases.isFrequent(now, terms.length().toNanos());
    long used = leases.used(now, terms.length().toNanos());
    long wish = frequent ? 2 * Math.max(cost, used) : cost;
    return new Turn(ended, leases.nextId(), wish, cost, now, terms);
  }

  /** Holds what was granted, of which {@code spent} is spent. */
  public void granted(Target.Key key, Turn turn, long tokens, long spent, Figures figures) {
    if (tokens > 0 && turn.id != null) {
      counters.leased.add(tokens);
      Leases leases = held.get(key, absent -> new Leases(node));
      // Another call may have fetched one meanwhile.
      waste(leases.stop(clock.nanos()));
      leases.hold(turn.id, tokens, spent, turn.sent, turn.terms, figures);
    }
  }

  /** Counts tokens that were leased and are lost. */
  public void waste(Leases.@Nullable Ended ended) {
    if (ended != null) {
      counters.wasted.add(ended.unspent());
    }
  }

  /** Ends what is held of a bucket that is filled by someone. */
  public void forget(Target.Key key) {
    Leases leases = held.getIfPresent(key);
    waste(leases == null ? null : leases.stop(clock.nanos()));
  }

  /** Gives back what is leased, as far as the store takes it in time. */
  public void close(
      BiFunction<Target.Key, Leases.Ended, CompletionStage<Boolean>> giveBack, Duration timeout) {
    List<CompletableFuture<?>> returns = new ArrayList<>();
    for (Map.Entry<Target.Key, Leases> entry : held.asMap().entrySet()) {
      Leases.Ended lease = entry.getValue().stop(clock.nanos());
      if (lease != null && lease.unspent() > 0 && returns.size() < MAX_GIVEN_BACK) {
        returns.add(
            giveBack
                .apply(entry.getKey(), lease)
                .whenComplete(
                    (returned, failure) -> waste(Boolean.TRUE.equals(returned) ? null : lease))
                .toCompletableFuture());
      } else {
        waste(lease);
      }
    }
    try {
      CompletableFuture.allOf(returns.toArray(CompletableFuture[]::new))
          .get(timeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      log.info("not all leases were given back; they expire", e);
    }
  }
}
