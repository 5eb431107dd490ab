package dev.escalera.cache.internal;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;

/**
 * Time, threads and chance, as one thing that a simulation replaces. The time is this node's
 * monotonic clock: no clock of the day decides anything.
 */
public interface Platform {
  /** Returns the time in nanoseconds, of any origin. */
  long nanos();

  /** Runs what must not run on a driver's thread. */
  Executor executor();

  /** Runs a task after a while, on a thread that it must not hold up. */
  void after(long nanos, Runnable task);

  /** Returns a number of 64 bits that has not been returned to anyone before. */
  long nonce();

  /** Returns a number from 0 to less than 1. */
  double random();

  /** Returns a future that ends as another does, or fails once the time is over. */
  default <T> CompletableFuture<T> within(CompletableFuture<T> running, long nanos) {
    if (running.isDone()) {
      return running;
    }
    CompletableFuture<T> bounded = running.copy();
    after(nanos, () -> bounded.completeExceptionally(new TimeoutException("no time is left")));
    return bounded;
  }

  /** The threads of the JVM, and a clock. */
  static Platform system(LongSupplier ticker) {
    return new Platform() {
      @Override
      public long nanos() {
        return ticker.getAsLong();
      }

      @Override
      public Executor executor() {
        return Workers.EXECUTOR;
      }

      @Override
      public void after(long nanos, Runnable task) {
        CompletableFuture.delayedExecutor(nanos, TimeUnit.NANOSECONDS, Runnable::run).execute(task);
      }

      @Override
      public <T> CompletableFuture<T> within(CompletableFuture<T> running, long nanos) {
        // A copy: what is given up here goes on.
        return running.isDone() ? running : running.copy().orTimeout(nanos, TimeUnit.NANOSECONDS);
      }

      @Override
      public long nonce() {
        return Nonces.next();
      }

      @Override
      public double random() {
        return java.util.concurrent.ThreadLocalRandom.current().nextDouble();
      }
    };
  }
}
