package dev.escalera.batch;

import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Threads for what hosts attach to results: as many as are needed, since one may block, and none
 * when idle.
 */
final class DefaultCallbacks {
  static final Executor EXECUTOR =
      new ThreadPoolExecutor(
          0,
          Integer.MAX_VALUE,
          10,
          TimeUnit.SECONDS,
          new SynchronousQueue<>(),
          task -> {
            Thread thread = new Thread(task, "escalera-batch-callback");
            thread.setDaemon(true);
            return thread;
          });

  private DefaultCallbacks() {}
}
