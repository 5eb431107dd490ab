package dev.escalera.cache.internal;

import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** The threads of all caches in the JVM. */
final class Workers {
  /**
   * A thread for each task that runs, kept for a while: loaders of the host wait in them, and in
   * the common pool, which has one thread on two cores, one that does not end would stop all.
   */
  static final Executor EXECUTOR =
      new ThreadPoolExecutor(
          0, Integer.MAX_VALUE, 10, TimeUnit.SECONDS, new SynchronousQueue<>(), Workers::thread);

  private Workers() {}

  private static Thread thread(Runnable task) {
    Thread thread = new Thread(task, "escalera-cache");
    thread.setDaemon(true);
    return thread;
  }
}
