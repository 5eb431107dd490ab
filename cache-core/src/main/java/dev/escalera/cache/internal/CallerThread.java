package dev.escalera.cache.internal;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Runs the steps of a blocking call in the thread that made it, while it waits; once that thread
 * has gone, on another executor.
 */
final class CallerThread implements Executor {
  /** Wakes the one that waits; left over, it is worth no thread. */
  private static final Runnable WAKE = new Wake();

  private static final class Wake implements Runnable {
    @Override
    public void run() {
      // That it came is all.
    }
  }

  private final BlockingQueue<Runnable> steps = new LinkedBlockingQueue<>();
  private final Executor afterwards;
  private boolean gone;

  CallerThread(Executor afterwards) {
    this.afterwards = afterwards;
  }

  @Override
  public void execute(Runnable step) {
    if (!offer(step)) {
      afterwards.execute(step);
    }
  }

  /**
   * Runs steps until the result is there; leaves the rest to others, also if it is interrupted. Is
   * called once.
   */
  <T> T await(CompletableFuture<T> result) throws InterruptedException, ExecutionException {
    if (!offer(WAKE)) {
      throw new IllegalStateException("has waited before");
    }
    result.whenComplete((value, failure) -> offer(WAKE));
    try {
      while (!result.isDone()) {
        steps.take().run();
      }
      return result.get();
    } finally {
      leave();
    }
  }

  private synchronized boolean offer(Runnable step) {
    return !gone && steps.add(step);
  }

  private void leave() {
    synchronized (this) {
      gone = true;
    }
    for (Runnable step = steps.poll(); step != null; step = steps.poll()) {
      if (step != WAKE) {
        afterwards.execute(step);
      }
    }
  }
}
