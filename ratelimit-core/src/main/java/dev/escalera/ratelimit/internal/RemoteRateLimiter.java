package dev.escalera.ratelimit.internal;

import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.FailurePolicy;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimitException;
import dev.escalera.ratelimit.RateLimiterOptions;
import dev.escalera.ratelimit.RateLimiterStats;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A rate limiter whose buckets are in a store. What the last denial answers still, or a lease
 * covers, needs no call; concurrent decisions on the same buckets share one; what the store cannot
 * decide in time, the failure policy does.
 */
public final class RemoteRateLimiter extends AbstractRateLimiter {
  private static final Logger log = LoggerFactory.getLogger(RemoteRateLimiter.class);

  /** When a client that the policy refused is told to come again. */
  private static final long FALLBACK_RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

  private static final int MAX_PENDING = 100_000;
  private static final int MAX_LOGGED = 1_000;
  private static final int SETTLERS = 16;
  private static final Executor ASYNC = Callbacks.EXECUTOR;

  private final RateLimiterOptions options;
  private final long deadlineNanos;
  private final Store store;
  private final Counters counters;
  private final Denials denials;
  private final Lanes lanes;
  private final @Nullable Fallback fallback;
  private final AtomicInteger pending = new AtomicInteger();
  private final AtomicBoolean degraded = new AtomicBoolean();

  /** The limits of which a disagreement was logged. */
  private final ConcurrentHashMap<String, Boolean> disputed = new ConcurrentHashMap<>();

  public RemoteRateLimiter(
      RateLimiterOptions options, Store store, Limits limits, ProcessClock clock) {
    super(options.name(), limits, clock);
    this.options = options;
    this.deadlineNanos = options.deadline().toNanos();
    this.store = store;
    this.lanes = new Lanes(store::isMerged);
    this.counters = limits.counters();
    this.denials = new Denials(options.denyCacheMax(), clock);
    this.fallback =
        options.policy() == FailurePolicy.LOCAL_FALLBACK ? new Fallback(clock, counters) : null;
    counters.bind(options, () -> !store.isAvailable(), store::nodes);
  }

  @Override
  protected void check(List<Target> targets) {
    store.check(targets);
  }

  @Override
  protected Decision decideNow(List<Target> asked, long cost) {
    List<Target> targets = store.route(asked, cost);
    Decision local = local(targets, cost, true);
    if (local != null) {
      return counters.count(local);
    }
    Waiter waiter = submit(targets, cost, true);
    try {
      return waiter.get(deadlineNanos, TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      if (waiter.give()) {
        finish(List.of(waiter), () -> List.of(unanswered(waiter, e)));
      }
      return await(waiter, "acquiring", targets.get(0).key());
    } catch (InterruptedException e) {
      waiter.cancel(true);
      Thread.currentThread().interrupt();
      throw new RateLimitException("interrupted while acquiring " + targets.get(0).key(), e);
    } catch (ExecutionException e) {
      throw new RateLimitException("cannot decide " + targets.get(0).key(), e.getCause());
    }
  }

  @Override
  protected Decision decideNow(Limits.Named named, Limit limit, String subject, long cost) {
    return decideNow(List.of(named.target(limit, subject)), cost);
  }

  @Override
  protected CompletableFuture<Decision> decide(List<Target> asked, long cost) {
    List<Target> targets = store.route(asked, cost);
    Decision local = local(targets, cost, true);
    return local == null
        ? submit(targets, cost, false)
        : CompletableFuture.completedFuture(counters.count(local));
  }

  @Override
  public Decision peek(String limit, String subject) {
    Target target = checked(limit, subject, 1);
    List<Target> shards = store.shards(target);
    Store.Batch look = new Store.Batch(shards, List.of(), 0);
    CompletableFuture<Store.Reply> reply = store.take(look, deadlineNanos).toCompletableFuture();
    TokenBucket bucket = sum(await(reply, "peeking at", target.key()).before(), target);
    return Verdict.of(
        Verdict.holding(target, bucket.figures()),
        bucket,
        bucket.tokens() >= 1,
        1,
        DecisionSource.REMOTE,
        TimeUnit.MICROSECONDS.toNanos(bucket.at()));
  }

  private static TokenBucket sum(List<TokenBucket> shards, Target target) {
    TokenBucket first = shards.get(0);
    if (shards.size() == 1) {
      return first;
    }
    long tokens = shards.stream().mapToLong(TokenBucket::tokens).sum();
    return new TokenBucket(tokens, 0, first.at(), target.figures());
  }

  @Override
  public void reset(String limit, String subject) {
    Target target = checked(limit, subject, 1);
    CompletableFuture<?>[] resets =
        store.shards(target).stream().map(this::reset).toArray(CompletableFuture<?>[]::new);
    await(CompletableFuture.allOf(resets), "resetting", target.key());
  }

  private CompletableFuture<?> reset(Target target) {
    return store
        .reset(target, deadlineNanos)
        .thenAccept(
            done -> {
              denials.forget(target.key());
              if (fallback != null) {
                fallback.forget(target.key());
              }
            })
        .toCompletableFuture();
  }

  @Override
  public RateLimiterStats stats() {
    return counters.stats(() -> !store.isAvailable(), store::nodes);
  }

  @Override
  public void close() {
    super.close();
    store.close();
  }

  /** Decides without the store, if what is known here is enough. */
  private @Nullable Decision local(List<Target> targets, long cost, boolean denied) {
    Store.Spent spent = store.spend(targets, cost);
    if (spent != null) {
      return leased(spent);
    }
    return denied ? denials.check(targets, cost) : null;
  }

  private Decision leased(Store.Spent spent) {
    Figures figures = spent.figures();
    // What others have left is not known here: the longest that it can take.
    return new Decision(
        true,
        Verdict.holding(spent.target(), figures),
        spent.remaining(),
        0,
        TimeUnit.MICROSECONDS.toNanos(figures.microsToGain(figures.burst() - spent.remaining(), 0)),
        DecisionSource.LEASE,
        clock.epochNanos());
  }

  private Waiter submit(List<Target> targets, long cost, boolean blocking) {
    Waiter waiter = new Waiter(targets, cost, clock.nanos(), blocking);
    if (pending.incrementAndGet() > MAX_PENDING) {
      pending.decrementAndGet();
      waiter.complete(
          counters.count(
              unanswered(waiter, new NotSentException("too many decisions wait", null))));
      return waiter;
    }
    Lanes.Lane lane = lanes.join(waiter);
    if (lane != null) {
      send(lane, List.of(waiter));
    }
    return waiter;
  }

  private void send(Lanes.Lane lane, List<Waiter> batch) {
    Waiter first = batch.get(0);
    List<Target> targets = first.targets;
    List<Long> costs = new ArrayList<>(batch.size());
    for (Waiter waiter : batch) {
      costs.add(waiter.cost);
    }
    long debit = fallback == null || targets.size() > 1 ? 0 : fallback.claim(targets.get(0).key());
    long sent = clock.nanos();
    take(new Store.Batch(targets, costs, debit), deadlineNanos - (sent - first.since))
        .whenComplete(
            (answer, failure) -> {
              pending.addAndGet(-batch.size());
              try {
                if (debit > 0) {
                  debited(targets.get(0), debit, answer, failure);
                }
                if (answer == null) {
                  failed(lane, batch, failure);
                } else {
                  answered(lane, batch, answer, sent);
                }
              } catch (Throwable e) {
                fail(batch, e);
                fail(abandoned(lane), e);
              }
            });
  }

  private List<Waiter> abandoned(Lanes.Lane lane) {
    List<Waiter> rest = lane.abandon();
    pending.addAndGet(-rest.size());
    return rest;
  }

  private CompletionStage<Store.Reply> take(Store.Batch batch, long timeoutNanos) {
    try {
      return store.take(batch, timeoutNanos);
    } catch (RuntimeException | Error e) {
      // Those who wait must learn of it.
      return CompletableFuture.failedFuture(e);
    }
  }

  private void answered(Lanes.Lane lane, List<Waiter> batch, Store.Reply answer, long sent) {
    recovered();
    counters.remoteDecisions.add(batch.size());
    boolean denied = note(batch, answer, sent);
    List<Waiter> served = new ArrayList<>(0);
    List<Decision> others = new ArrayList<>(0);
    List<Waiter> next =
        lane.next(
            waiter -> {
              try {
                Decision local =
                    waiter.isDone() ? null : local(waiter.targets, waiter.cost, denied);
                if (local != null) {
                  served.add(waiter);
                  others.add(local);
                } else if (!waiter.isDone()) {
                  return false;
                }
              } catch (Throwable e) {
                fail(List.of(waiter), e);
              }
              pending.decrementAndGet();
              return true;
            });
    // First of all, since whoever waits now waits for two calls.
    if (!next.isEmpty()) {
      send(lane, next);
    }
    finish(batch, () -> decisions(batch, answer.before()));
    if (!served.isEmpty()) {
      finish(served, () -> others);
    }
  }

  /** Each cost in order, exactly as if it had been alone. */
  private static List<Decision> decisions(List<Waiter> batch, List<TokenBucket> before) {
    List<Decision> decisions = new ArrayList<>(batch.size());
    List<TokenBucket> level = before;
    long timeNanos = TimeUnit.MICROSECONDS.toNanos(before.get(0).at());
    DecisionSource source = batch.size() == 1 ? DecisionSource.REMOTE : DecisionSource.MERGED;
    for (Waiter waiter : batch) {
      boolean allowed = Verdict.allows(level, 0, waiter.cost);
      if (allowed) {
        level = taken(level, waiter.cost);
      }
      decisions.add(Verdict.of(waiter.targets, level, allowed, waiter.cost, source, timeNanos));
    }
    return decisions;
  }

  private static List<TokenBucket> taken(List<TokenBucket> buckets, long cost) {
    if (buckets.size() == 1) {
      return List.of(buckets.get(0).take(cost));
    }
    List<TokenBucket> after = new ArrayList<>(buckets.size());
    for (TokenBucket bucket : buckets) {
      after.add(bucket.take(cost));
    }
    return after;
  }

  /** Remembers what the store said; returns whether it denied anything. */
  private boolean note(List<Waiter> batch, Store.Reply answer, long sent) {
    List<TokenBucket> before = answer.before();
    long taken = 0;
    long denied = Long.MAX_VALUE;
    for (Waiter waiter : batch) {
      if (Verdict.allows(before, taken, waiter.cost)) {
        taken += waiter.cost;
      } else {
        denied = Math.min(denied, waiter.cost);
      }
    }
    List<TokenBucket> after = taken == 0 ? before : taken(before, taken);
    List<Target> targets = batch.get(0).targets;
    Denials.Times times = denials.answered(sent, answer.pauseNanos());
    for (int i = 0; i < targets.size(); i++) {
      Target target = targets.get(i);
      TokenBucket bucket = after.get(i);
      if (bucket.tokens() < denied && denied < Long.MAX_VALUE) {
        denials.denied(target, bucket, times);
      } else {
        denials.admitted(target, bucket, times);
      }
      if (fallback != null) {
        fallback.saw(target, bucket);
      }
      if (!bucket.figures().equals(target.figures())) {
        dispute(target, bucket.figures());
      }
    }
    return denied < Long.MAX_VALUE;
  }

  private void dispute(Target target, Figures holding) {
    String name = target.limit().name();
    if (disputed.size() < MAX_LOGGED && disputed.putIfAbsent(name, true) == null) {
      log.warn(
          "{}: nodes disagree on a limit: here it is {}, in the store {} holds",
          options.name(),
          target.limit(),
          holding.limit(name));
    }
  }

  private void failed(Lanes.Lane lane, List<Waiter> batch, Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    Throwable known = cause;
    List<Waiter> given = new ArrayList<>(batch);
    given.addAll(abandoned(lane));
    given.removeIf(waiter -> !waiter.give());
    if (!given.isEmpty()) {
      finish(given, () -> given.stream().map(waiter -> unanswered(waiter, known)).toList());
    }
  }

  /** Wakes the threads that wait; what else depends on a decision runs on threads of our own. */
  private void finish(List<Waiter> batch, Supplier<List<Decision>> decide) {
    if (batch.stream().noneMatch(waiter -> waiter.blocking)) {
      ASYNC.execute(() -> guarded(batch, () -> finish(batch, decide.get(), false)));
      return;
    }
    guarded(
        batch,
        () -> {
          List<Decision> decisions = decide.get();
          finish(batch, decisions, true);
          if (!batch.stream().allMatch(waiter -> waiter.blocking)) {
            ASYNC.execute(() -> finish(batch, decisions, false));
          }
        });
  }

  private void guarded(List<Waiter> batch, Runnable task) {
    try {
      task.run();
    } catch (Throwable e) {
      fail(batch, e);
    }
  }

  /** What should never happen leaves no one waiting. */
  private void fail(List<Waiter> batch, Throwable cause) {
    for (Waiter waiter : batch) {
      RateLimitException failure =
          new RateLimitException("cannot decide " + waiter.targets.get(0).key(), cause);
      if (waiter.blocking) {
        waiter.completeExceptionally(failure);
      } else {
        ASYNC.execute(() -> waiter.completeExceptionally(failure));
      }
    }
  }

  private void finish(List<Waiter> batch, List<Decision> decisions, boolean blocking) {
    for (int i = 0; i < batch.size(); i++) {
      Waiter waiter = batch.get(i);
      Decision decision = decisions.get(i);
      if (waiter.blocking != blocking) {
        continue;
      }
      if (blocking) {
        complete(waiter, decision);
      } else {
        // Each by itself: what depends on one may wait for another.
        ASYNC.execute(() -> complete(waiter, decision));
      }
    }
  }

  private void complete(Waiter waiter, Decision decision) {
    if (!waiter.isDone()) {
      // Counted first, so that who has the decision finds it in the figures.
      counters.count(decision);
      waiter.complete(decision);
    }
  }

  private Decision unanswered(Waiter waiter, Throwable cause) {
    if (!degraded.get() && degraded.compareAndSet(false, true)) {
      log.warn("{}: the store does not decide, {} does", options.name(), options.policy(), cause);
    }
    if (fallback != null) {
      return fallback.decide(waiter.targets, waiter.cost, store.nodes());
    }
    boolean open = options.policy() == FailurePolicy.FAIL_OPEN;
    return new Decision(
        open,
        waiter.targets.get(0).limit(),
        0,
        open ? 0 : FALLBACK_RETRY_NANOS,
        0,
        DecisionSource.FALLBACK,
        clock.epochNanos());
  }

  private void recovered() {
    if (!degraded.get() || !degraded.compareAndSet(true, false)) {
      return;
    }
    log.info("{}: the store decides again", options.name());
    if (fallback != null) {
      fallback.recovered();
      Iterator<Target> owed = fallback.owed().iterator();
      for (int i = 0; i < SETTLERS; i++) {
        ASYNC.execute(() -> settle(fallback, owed));
      }
    }
  }

  /** Tells the store what was admitted without it, one bucket after the other. */
  private void settle(Fallback fallback, Iterator<Target> owed) {
    Target target;
    synchronized (owed) {
      if (!owed.hasNext()) {
        return;
      }
      target = owed.next();
    }
    long debt = fallback.claim(target.key());
    if (debt == 0) {
      ASYNC.execute(() -> settle(fallback, owed));
      return;
    }
    take(new Store.Batch(List.of(target), List.of(), debt), deadlineNanos)
        .whenCompleteAsync(
            (answer, failure) -> {
              debited(target, debt, answer, failure);
              if (answer != null) {
                settle(fallback, owed);
              } else {
                // Its next answer begins the settling anew.
                degraded.set(true);
              }
            },
            ASYNC);
  }

  private void debited(
      Target target, long debt, Store.@Nullable Reply answer, @Nullable Throwable failure) {
    if (answer != null) {
      counters.debited.add(answer.debited());
      counters.lostDebits.add(debt - answer.debited());
    } else if (fallback != null && isNotSent(failure)) {
      fallback.unclaim(target, debt);
    } else {
      // It may have been taken: to take it again would be too much.
      counters.lostDebits.add(debt);
    }
  }

  private static boolean isNotSent(@Nullable Throwable failure) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    return cause instanceof NotSentException;
  }
}
