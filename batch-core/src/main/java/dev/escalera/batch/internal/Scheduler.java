package dev.escalera.batch.internal;

import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** One thread of an engine's own, and its clock. */
public interface Scheduler extends AutoCloseable {
  /** Returns the time by a monotonic clock. */
  long nanos();

  /** Runs a task soon, after those before it; not at all once closed. */
  void execute(Runnable task);

  /** Runs a task after a delay; not at all once closed. */
  void after(long nanos, Runnable task);

  @Override
  void close();

  /** Starts a daemon thread. */
  static Scheduler start(String threadName) {
    ScheduledThreadPoolExecutor executor =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread thread = new Thread(task, threadName);
              thread.setDaemon(true);
              return thread;
            });
    executor.setRemoveOnCancelPolicy(true);
    executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    return new Scheduler() {
      @Override
      public long nanos() {
        return System.nanoTime();
      }

      @Override
      public void execute(Runnable task) {
        after(0, task);
      }

      @Override
      public void after(long nanos, Runnable task) {
        if (!executor.isShutdown()) {
          executor.schedule(task, nanos, TimeUnit.NANOSECONDS);
        }
      }

      @Override
      public void close() {
        executor.shutdown();
      }
    };
  }
}
