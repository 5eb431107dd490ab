package dev.escalera.ratelimit.internal;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Buckets in a store that can only compare and set: a call reads, decides, writes, and tries again
 * when another was first. Buckets in demand are leased, so that most decisions need no call.
 */
public final class CasBuckets implements Store {
  private static final Logger log = LoggerFactory.getLogger(CasBuckets.class);

  private static final long MAX_KEYS = 100_000;
  private static final long MAX_PAUSE_MILLIS = 64;

  /** As many leases are given back when the limiter is closed; others expire. */
  private static final int MAX_GIVEN_BACK = 1_000;

  /** With fewer uses in the time of a lease, a call for each is as good. */
  private static final int MIN_USES = 2;

  /** The part of a lease, or of the time to full, for which a node that was denied waits. */
  private static final int PAUSES = 4;

  /** Below so many tokens of burst a node, a lease that lies idle would starve the others. */
  private static final int MIN_SHARE = 4;

  private final CasStore store;
  private final Counters counters;
  private final ProcessClock clock;
  private final Supplier<OptionalLong> storeClock;
  private final Leases.@Nullable Terms terms;
  private final long lengthNanos;
  private final Duration closeTimeout;
  private final String node = UUID.randomUUID().toString();
  private final Cache<Target.Key, Leases> held;
  private volatile int nodes = 1;

  public CasBuckets(
      CasStore store,
      Counters counters,
      ProcessClock clock,
      Supplier<OptionalLong> storeClock,
      Leases.@Nullable Terms terms,
      Duration closeTimeout) {
    this.store = store;
    this.counters = counters;
    this.clock = clock;
    this.storeClock = storeClock;
    this.terms = terms;
    this.lengthNanos = terms == null ? 0 : terms.length().toNanos();
    this.closeTimeout = closeTimeout;
    this.held =
        Caffeine.newBuilder()
            .maximumSize(MAX_KEYS)
            .<Target.Key, Leases>evictionListener(
                (key, leases, cause) -> waste(leases == null ? null : leases.stop(clock.nanos())))
            .build();
  }

  @Override
  public CompletionStage<Reply> take(Batch batch, long timeoutNanos) {
    return new Call(batch, timeoutNanos).run(1).toCompletableFuture();
  }

  @Override
  public @Nullable Spent spend(List<Target> targets, long cost) {
    if (terms == null) {
      return null;
    }
    long now = clock.nanos();
    long least = Long.MAX_VALUE;
    Target scarcest = targets.get(0);
    Figures figures = scarcest.figures();
    for (int i = 0; i < targets.size(); i++) {
      Target target = targets.get(i);
      Leases leases = held.getIfPresent(target.key());
      long left = leases == null ? -1 : leases.spend(cost, now);
      if (leases == null || left < 0) {
        unspend(targets.subList(0, i), cost, now);
        return null;
      }
      if (left < least) {
        least = left;
        scarcest = target;
        figures = leases.figures(target.figures());
      }
    }
    return new Spent(scarcest, figures, least);
  }

  @Override
  public CompletionStage<?> reset(Target target, long timeoutNanos) {
    Leases leases = held.getIfPresent(target.key());
    waste(leases == null ? null : leases.stop(clock.nanos()));
    return store.delete(target.key(), timeoutNanos);
  }

  @Override
  public boolean isAvailable() {
    return store.isAvailable();
  }

  @Override
  public int nodes() {
    return nodes;
  }

  /** Gives back what is leased, as far as the store takes it in time. */
  @Override
  public void close() {
    long timeout = closeTimeout.toNanos();
    List<CompletableFuture<?>> returns = new ArrayList<>();
    for (Map.Entry<Target.Key, Leases> entry : held.asMap().entrySet()) {
      Leases.Ended lease = entry.getValue().stop(clock.nanos());
      if (lease != null && lease.unspent() > 0 && returns.size() < MAX_GIVEN_BACK) {
        returns.add(
            giveBack(entry.getKey(), lease, timeout)
                .whenComplete(
                    (returned, failure) -> waste(Boolean.TRUE.equals(returned) ? null : lease))
                .toCompletableFuture());
      } else {
        waste(lease);
      }
    }
    try {
      CompletableFuture.allOf(returns.toArray(CompletableFuture[]::new))
          .get(timeout, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      log.info("not all leases were given back; they expire", e);
    }
    store.close();
  }

  /** Settles a lease by itself; tells whether it was credited. One try: it expires anyway. */
  private CompletionStage<Boolean> giveBack(Target.Key key, Leases.Ended lease, long timeout) {
    List<Target.Key> keys = List.of(key);
    return store
        .read(keys, timeout)
        .thenCompose(
            snapshot -> {
              Escrow stored = snapshot.escrows().get(0);
              if (stored == null) {
                return CompletableFuture.completedFuture(false);
              }
              Escrow now = stored.at(storeClock.get().orElse(snapshot.now()));
              Escrow settled = now.settle(lease.id(), lease.unspent());
              return now.equals(settled)
                  ? CompletableFuture.completedFuture(false)
                  : store.write(keys, snapshot, List.of(settled), timeout);
            });
  }

  private void unspend(List<Target> targets, long cost, long now) {
    for (Target target : targets) {
      Leases leases = held.getIfPresent(target.key());
      if (leases != null) {
        leases.unspend(cost, now);
      }
    }
  }

  private void waste(Leases.@Nullable Ended ended) {
    if (ended != null) {
      counters.wasted.add(ended.unspent());
    }
  }

  /** A lease to be asked for. */
  private record Wish(String id, long tokens) {}

  /** One call, which may take several rounds. */
  private final class Call {
    private final Batch batch;
    private final List<Target.Key> keys;
    private final long begun = System.nanoTime();
    private final long timeoutNanos;

    /** The leases that this call ends; they are not spent from now on. */
    private final List<Leases.@Nullable Ended> ended = new ArrayList<>();

    Call(Batch batch, long timeoutNanos) {
      this.batch = batch;
      this.timeoutNanos = timeoutNanos;
      this.keys = batch.targets().stream().map(Target::key).toList();
      long now = clock.nanos();
      for (Target.Key key : keys) {
        Leases leases = batch.costs().isEmpty() ? null : held.getIfPresent(key);
        ended.add(leases == null ? null : leases.stop(now));
      }
    }

    CompletionStage<Reply> run(int round) {
      long left = timeoutNanos - (System.nanoTime() - begun);
      if (left <= 0) {
        ended.forEach(CasBuckets.this::waste);
        return CompletableFuture.failedFuture(
            new TimeoutException("lost " + (round - 1) + " races"));
      }
      long sent = clock.nanos();
      return store.read(keys, left).thenCompose(snapshot -> decide(snapshot, sent, round));
    }

    private CompletionStage<Reply> decide(CasStore.Snapshot snapshot, long sent, int round) {
      long now = storeClock.get().orElse(snapshot.now());
      List<TokenBucket> before = new ArrayList<>();
      List<Escrow> escrows = new ArrayList<>();
      boolean changed = false;
      long debited = 0;
      for (int i = 0; i < keys.size(); i++) {
        Figures asked = batch.targets().get(i).figures();
        Escrow stored = snapshot.escrows().get(i);
        Escrow refilled = stored == null ? Escrow.full(asked, now) : stored.at(now).under(asked);
        changed |= stored != null && isMoved(stored, refilled, now);
        Leases.Ended lease = ended.get(i);
        if (lease != null) {
          refilled = refilled.settle(lease.id(), lease.unspent());
          changed = true;
        }
        if (batch.debit() > 0) {
          debited = Math.min(batch.debit(), refilled.bucket().tokens());
          refilled = refilled.take(debited);
          changed = true;
        }
        before.add(refilled.bucket());
        escrows.add(refilled);
      }
      long taken = taken(before);
      List<@Nullable Wish> wishes = new ArrayList<>();
      for (int i = 0; i < keys.size(); i++) {
        Escrow after = escrows.get(i).take(taken);
        Wish wish = wish(i, after);
        wishes.add(wish);
        escrows.set(
            i,
            wish == null || terms == null
                ? after
                : after.grant(wish.id, wish.tokens, now + terms.outstandingMicros()));
      }
      Reply reply = new Reply(before, debited, pauseNanos(before));
      if (!changed && taken == 0) {
        return CompletableFuture.completedFuture(reply);
      }
      long left = timeoutNanos - (System.nanoTime() - begun);
      return store
          .write(keys, snapshot, escrows, Math.max(1, left))
          .thenCompose(
              written -> {
                if (!written) {
                  return again(round);
                }
                hold(escrows, wishes, sent);
                return CompletableFuture.completedFuture(reply);
              });
    }

    /**
     * A document bears few writes: where tokens are leased, a node that is denied lets some gather
     * and fetches them at once, but before the bucket is full.
     */
    private long pauseNanos(List<TokenBucket> buckets) {
      long pause = lengthNanos / PAUSES;
      for (TokenBucket bucket : buckets) {
        Figures figures = bucket.figures();
        pause =
            isLeased(figures)
                ? Math.min(pause, TimeUnit.MICROSECONDS.toNanos(figures.microsToFull()) / PAUSES)
                : 0;
      }
      return pause;
    }

    /** What all costs together take. */
    private long taken(List<TokenBucket> before) {
      long taken = 0;
      for (long cost : batch.costs()) {
        if (Verdict.allows(before, taken, cost)) {
          taken += cost;
        }
      }
      return taken;
    }

    /**
     * Wishes for twice what this node would use in the time of a lease at the rate of late, but for
     * no more than leaves each node its share and half the burst to be refilled.
     */
    private @Nullable Wish wish(int i, Escrow after) {
      nodes = nodes(after);
      Figures figures = after.bucket().figures();
      long share = figures.burst() / (2L * nodes);
      if (!isLeased(figures) || batch.costs().isEmpty()) {
        return null;
      }
      long asked = 0;
      for (long cost : batch.costs()) {
        asked += cost;
      }
      Leases leases = held.get(keys.get(i), key -> new Leases(node));
      boolean frequent = leases.isFrequent(clock.nanos(), lengthNanos);
      Leases.Ended last = ended.get(i);
      long used =
          last == null
              ? 0
              : (long) ((double) last.spent() / Math.max(1, last.heldNanos()) * lengthNanos);
      if (batch.costs().size() == 1 && !frequent && used < MIN_USES * asked) {
        // What is asked now and then would only lie idle.
        return null;
      }
      long tokens = Math.min(Math.min(2 * Math.max(asked, used), share), after.bucket().tokens());
      return tokens < 1 ? null : new Wish(leases.nextId(), tokens);
    }

    private void hold(List<Escrow> escrows, List<@Nullable Wish> wishes, long sent) {
      for (int i = 0; i < keys.size(); i++) {
        Wish wish = wishes.get(i);
        if (wish != null && terms != null) {
          counters.leased.add(wish.tokens);
          held.get(keys.get(i), key -> new Leases(node))
              .hold(wish.id, wish.tokens, sent, terms, escrows.get(i).bucket().figures());
        }
      }
    }

    private CompletionStage<Reply> again(int round) {
      long most = Math.min(MAX_PAUSE_MILLIS, 1L << Math.min(round, 6));
      long pause = ThreadLocalRandom.current().nextLong(most + 1);
      return CompletableFuture.supplyAsync(
              () -> round + 1,
              CompletableFuture.delayedExecutor(pause, TimeUnit.MILLISECONDS, Callbacks.EXECUTOR))
          .thenCompose(this::run);
    }
  }

  /** Whether there is enough of it to be shared out. */
  private boolean isLeased(Figures figures) {
    return terms != null && figures.burst() >= (long) MIN_SHARE * nodes;
  }

  /** Whether it has to be written even if nothing is taken. */
  private static boolean isMoved(Escrow stored, Escrow refilled, long now) {
    return now < stored.bucket().at()
        || !stored.bucket().figures().equals(refilled.bucket().figures());
  }

  /** This node and those that hold leases. */
  private int nodes(Escrow escrow) {
    Set<String> seen = new HashSet<>();
    seen.add(node);
    for (Escrow.Lease lease : escrow.leases()) {
      seen.add(lease.id().substring(0, Math.max(0, lease.id().lastIndexOf('.'))));
    }
    return seen.size();
  }
}
