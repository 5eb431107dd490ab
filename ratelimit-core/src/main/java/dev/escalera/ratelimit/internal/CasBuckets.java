package dev.escalera.ratelimit.internal;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Buckets in a store that can only compare and set: a call reads, decides, writes, and tries again
 * when another was first. Buckets in demand are leased, so that most decisions need no call.
 */
public final class CasBuckets implements Store {
  private static final long MAX_PAUSE_MILLIS = 64;

  private final CasStore store;
  private final Counters counters;
  private final Supplier<OptionalLong> storeClock;
  private final Leases.@Nullable Terms terms;
  private final Duration closeTimeout;
  private final LeaseBook book;
  private final Shards shards;
  private volatile int nodes = 1;

  public CasBuckets(
      CasStore store,
      Counters counters,
      ProcessClock clock,
      Supplier<OptionalLong> storeClock,
      Leases.@Nullable Terms terms,
      Map<String, Integer> shards,
      Duration closeTimeout) {
    this.shards = new Shards(shards);
    this.store = store;
    this.counters = counters;
    this.storeClock = storeClock;
    this.terms = terms;
    this.closeTimeout = closeTimeout;
    this.book = new LeaseBook(counters, clock);
  }

  @Override
  public List<Target> route(List<Target> targets, long cost) {
    if (targets.size() == 1) {
      return List.of(shards.at(targets.get(0), cost));
    }
    return targets.stream().map(target -> shards.at(target, cost)).toList();
  }

  @Override
  public List<Target> shards(Target target) {
    return shards.all(target);
  }

  @Override
  public CompletionStage<Reply> take(Batch batch, long timeoutNanos) {
    counters.remoteCalls.increment();
    return new Call(batch, timeoutNanos).run(1).toCompletableFuture();
  }

  @Override
  public @Nullable Spent spend(List<Target> targets, long cost) {
    return terms == null ? null : book.spend(targets, cost);
  }

  @Override
  public CompletionStage<?> reset(Target target, long timeoutNanos) {
    book.forget(target.key());
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

  @Override
  public void close() {
    long timeout = closeTimeout.toNanos();
    book.close((key, lease) -> giveBack(key, lease, timeout), closeTimeout);
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

  /** One call, which may take several rounds. */
  private final class Call {
    private final Batch batch;
    private final List<Target.Key> keys;
    private final long begun = System.nanoTime();
    private final long timeoutNanos;
    private final List<LeaseBook.@Nullable Turn> turns = new ArrayList<>();

    Call(Batch batch, long timeoutNanos) {
      this.batch = batch;
      this.timeoutNanos = timeoutNanos;
      this.keys = batch.targets().stream().map(Target::key).toList();
      for (Target.Key key : keys) {
        boolean leased = terms != null && !batch.costs().isEmpty();
        turns.add(leased && terms != null ? book.turn(key, batch.costs(), terms) : null);
      }
    }

    CompletionStage<Reply> run(int round) {
      long left = timeoutNanos - (System.nanoTime() - begun);
      if (left <= 0) {
        turns.forEach(turn -> book.waste(turn == null ? null : turn.ended()));
        return CompletableFuture.failedFuture(
            new TimeoutException("lost " + (round - 1) + " races"));
      }
      return store.read(keys, left).thenCompose(snapshot -> decide(snapshot, round));
    }

    private CompletionStage<Reply> decide(CasStore.Snapshot snapshot, int round) {
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
        LeaseBook.Turn turn = turns.get(i);
        Leases.Ended lease = turn == null ? null : turn.ended();
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
      if (taken == 0 && !batch.costs().isEmpty()) {
        keys.forEach(shards::denied);
      }
      long[] granted = new long[keys.size()];
      for (int i = 0; i < granted.length; i++) {
        Escrow after = escrows.get(i).take(taken);
        LeaseBook.Turn turn = turns.get(i);
        if (turn != null && turn.id() != null) {
          nodes = after.nodes(turn.id());
          granted[i] = after.grantable(turn.id(), turn.wish(), turn.least());
          if (granted[i] > 0) {
            after = after.grant(turn.id(), granted[i], now + turn.terms().outstandingMicros());
          }
        }
        escrows.set(i, after);
      }
      Reply reply = new Reply(before, debited, pauseNanos(escrows));
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
                hold(escrows, granted);
                return CompletableFuture.completedFuture(reply);
              });
    }

    /** Where tokens are leased, a node that is denied lets some gather. */
    private long pauseNanos(List<Escrow> escrows) {
      if (terms == null) {
        return 0;
      }
      long pause = Long.MAX_VALUE;
      for (Escrow escrow : escrows) {
        long each = terms.pauseNanos(escrow.bucket().figures());
        pause = escrow.isShared(nodes) ? Math.min(pause, each) : 0;
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

    private void hold(List<Escrow> escrows, long[] granted) {
      for (int i = 0; i < granted.length; i++) {
        LeaseBook.Turn turn = turns.get(i);
        if (turn != null) {
          book.granted(keys.get(i), turn, granted[i], 0, escrows.get(i).bucket().figures());
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

  /** Whether it has to be written even if nothing is taken. */
  private static boolean isMoved(Escrow stored, Escrow refilled, long now) {
    return now < stored.bucket().at()
        || !stored.bucket().figures().equals(refilled.bucket().figures());
  }
}
