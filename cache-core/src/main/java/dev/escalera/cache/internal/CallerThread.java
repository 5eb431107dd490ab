package dev.escalera.cache.internal;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

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
  private final Platform platform;
  private final Executor afterwards;

  /** What this thread is to end in time. Guarded by this. */
  private final List<Deadline> deadlines = new ArrayList<>(2);

  private boolean gone;

  private record Deadline(CompletableFuture<?> running, long at) {
    boolean isDue(long now) {
      return at - now <= 0;
    }

    void end() {
      running.completeExceptionally(new TimeoutException("no time is left"));
    }
  }

  CallerThread(Platform platform) {
    this.platform = platform;
    this.afterwards = platform.executor();
  }

  /**
   * Returns a future that ends as another does, or fails once the time is over: ended by the one
   * that waits for it anyway, which spares a timer.
   */
  <T> CompletableFuture<T> within(CompletableFuture<T> running, long nanos) {
    if (running.isDone()) {
      return running;
    }
    CompletableFuture<T> bounded = running.copy();
    Deadline deadline = new Deadline(bounded, platform.nanos() + nanos);
    synchronized (this) {
      if (!gone) {
        deadlines.add(deadline);
        // It may wait already, and for longer.
        steps.add(WAKE);
        return bounded;
      }
    }
    platform.after(nanos, deadline::end);
    return bounded;
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
        Runnable step = next();
        if (step != null) {
          step.run();
        }
      }
      return result.get();
    } finally {
      leave();
    }
  }

  /** Waits for a step, no longer than until the next deadline; ends what is due. */
  private @Nullable Runnable next() throws InterruptedException {
    long now = platform.nanos();
    long first = Long.MAX_VALUE;
    List<Deadline> due = new ArrayList<>(0);
    synchronized (this) {
      for (Iterator<Deadline> each = deadlines.iterator(); each.hasNext(); ) {
        Deadline deadline = each.next();
        boolean over = deadline.isDue(now);
        if (over || deadline.running.isDone()) {
          each.remove();
        } else {
          first = Math.min(first, deadline.at - now);
        }
        if (over) {
          due.add(deadline);
        }
      }
    }
    due.forEach(Deadline::end);
    if (!due.isEmpty()) {
      return steps.poll();
    }
    return first == Long.MAX_VALUE ? steps.take() : steps.poll(first, TimeUnit.NANOSECONDS);
  }

  private synchronized boolean offer(Runnable step) {
    return !gone && steps.add(step);
  }

  private void leave() {
    List<Deadline> left;
    synchronized (this) {
      gone = true;
      left = List.copyOf(deadlines);
    }
    long now = platform.nanos();
    for (Deadline deadline : left) {
      if (!deadline.running.isDone()) {
        platform.after(Math.max(0, deadline.at - now), deadline::end);
      }
    }
    for (Runnable step = steps.poll(); step != null; step = steps.poll()) {
      if (step != WAKE) {
        afterwards.execute(step);
      }
    }
  }
}
