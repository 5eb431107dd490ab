package dev.escalera.cache.internal;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Runs the steps of a blocking call in the thread that made it, while it waits; once that thread
 * has gone, on another executor.
 */
final class CallerThread implements Executor {
  private final Queue<Runnable> steps = new ConcurrentLinkedQueue<>();
  private final Platform platform;
  private final Executor afterwards;

  /** Parks, or is about to look whether it has to; null before it waits. */
  private volatile @Nullable Thread waiting;

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
    boolean kept;
    synchronized (this) {
      kept = !gone && deadlines.add(deadline);
    }
    if (kept) {
      // It may wait already, and for longer.
      LockSupport.unpark(waiting);
    } else {
      platform.after(nanos, deadline::end);
    }
    return bounded;
  }

  @Override
  public void execute(Runnable step) {
    boolean kept;
    synchronized (this) {
      kept = !gone && steps.add(step);
    }
    if (kept) {
      LockSupport.unpark(waiting);
    } else {
      afterwards.execute(step);
    }
  }

  /**
   * Runs steps until the result is there; leaves the rest to others, also if it is interrupted. Is
   * called once.
   */
  <T> T await(CompletableFuture<T> result) throws InterruptedException, ExecutionException {
    Thread self = Thread.currentThread();
    if (waiting != null) {
      throw new IllegalStateException("has waited before");
    }
    waiting = self;
    result.whenComplete((value, failure) -> LockSupport.unpark(self));
    try {
      while (!result.isDone()) {
        if (Thread.interrupted()) {
          throw new InterruptedException();
        }
        Runnable step = steps.poll();
        if (step != null) {
          step.run();
        } else {
          park();
        }
      }
      return result.get();
    } finally {
      leave();
    }
  }

  /** Waits until something happens, no longer than until the next deadline; ends what is due. */
  private void park() {
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
      return;
    }
    if (first == Long.MAX_VALUE) {
      LockSupport.park(this);
    } else {
      LockSupport.parkNanos(this, first);
    }
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
      afterwards.execute(step);
    }
  }
}
