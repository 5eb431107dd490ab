package dev.escalera.cache.internal;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;

/** The time that one call may wait for the store, over all its operations. */
final class Budget {
  private final AtomicLong left;
  private final Counters counters;

  Budget(Duration budget, Counters counters) {
    this.left = new AtomicLong(budget.toNanos());
    this.counters = counters;
  }

  /** Starts an operation; the future ends when the budget does, at the latest. */
  <T> CompletableFuture<T> spend(LongAdder calls, Supplier<CompletableFuture<T>> operation) {
    long nanos = left.get();
    if (nanos <= 0) {
      return settle(CompletableFuture.failedFuture(new TimeoutException("no time is left")), 0);
    }
    calls.increment();
    long sent = System.nanoTime();
    CompletableFuture<T> running = operation.get();
    // A copy: an operation that is given up here goes on to its own deadline.
    CompletableFuture<T> bounded =
        running.isDone() ? running : running.copy().orTimeout(nanos, TimeUnit.NANOSECONDS);
    return settle(bounded, sent);
  }

  private <T> CompletableFuture<T> settle(CompletableFuture<T> operation, long sent) {
    return operation.whenComplete(
        (value, failure) -> {
          if (sent != 0) {
            left.addAndGet(sent - System.nanoTime());
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
