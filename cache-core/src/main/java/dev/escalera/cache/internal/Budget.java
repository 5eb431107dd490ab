package dev.escalera.cache.internal;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;

/** The time that one call may wait for the store, over all its operations. */
final class Budget {
  private final AtomicLong left;
  private final Counters counters;
  private final Platform platform;
  private final Executor steps;

  Budget(Duration budget, Counters counters, Platform platform) {
    this(budget, counters, platform, platform.executor());
  }

  /** Makes a budget of a call whose steps an executor runs. */
  Budget(Duration budget, Counters counters, Platform platform, Executor steps) {
    this(budget.toNanos(), counters, platform, steps);
  }

  private Budget(long nanos, Counters counters, Platform platform, Executor steps) {
    this.steps = steps;
    this.left = new AtomicLong(nanos);
    this.counters = counters;
    this.platform = platform;
  }

  /** Returns a budget of what is left now, for one of several ways on which a call goes on. */
  Budget rest(Executor steps) {
    return new Budget(left.get(), counters, platform, steps);
  }

  /** Takes off what the call has waited for the store before. */
  void spent(long nanos) {
    left.addAndGet(-nanos);
  }

  /** Starts an operation; the future ends when the budget does, at the latest. */
  <T> CompletableFuture<T> spend(LongAdder calls, Supplier<CompletableFuture<T>> operation) {
    long nanos = left.get();
    if (nanos <= 0) {
      return settle(
          CompletableFuture.failedFuture(new TimeoutException("no time is left")), false, 0);
    }
    calls.increment();
    long sent = platform.nanos();
    return settle(within(operation.get(), nanos), true, sent);
  }

  private <T> CompletableFuture<T> within(CompletableFuture<T> running, long nanos) {
    return steps instanceof CallerThread caller
        ? caller.within(running, nanos)
        : platform.within(running, nanos);
  }

  /** When the time is over that is left now. */
  long giveUp() {
    return platform.nanos() + left.get();
  }

  private <T> CompletableFuture<T> settle(
      CompletableFuture<T> operation, boolean started, long sent) {
    return operation.whenComplete(
        (value, failure) -> {
          if (started) {
            left.addAndGet(sent - platform.nanos());
          }
          if (failure != null) {
            counters.storeFailures.increment();
            if (Futures.unwrap(failure) instanceof TimeoutException) {
              counters.budgetExceeded.increment();
            }
          }
        });
  }
}
