package dev.escalera.batch.local;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Makes the threads that the host's bulk functions run on. */
final class Threads {
  private static final long IDLE_SECONDS = 10;

  private Threads() {}

  /** Returns daemon threads that end when they are idle for a while. */
  static ExecutorService atMost(int count, String name) {
    // The callers have no more batches in flight than there are threads, so the queue stays empty.
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            count,
            count,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              Thread thread = new Thread(task, name);
              thread.setDaemon(true);
              return thread;
            });
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }
}
