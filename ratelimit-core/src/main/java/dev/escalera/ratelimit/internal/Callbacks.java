package dev.escalera.ratelimit.internal;

import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinWorkerThread;

/**
 * Threads for what the host has attached to a decision, which may take its time. The common pool
 * does not do: on a machine of two cores each of its tasks would be a new thread.
 */
final class Callbacks {
  private static final int THREADS = Math.max(2, Runtime.getRuntime().availableProcessors());

  static final Executor EXECUTOR =
      new ForkJoinPool(THREADS, Callbacks::thread, null, /* asyncMode= */ true);

  private Callbacks() {}

  private static ForkJoinWorkerThread thread(ForkJoinPool pool) {
    ForkJoinWorkerThread thread = ForkJoinPool.defaultForkJoinWorkerThreadFactory.newThread(pool);
    thread.setName("escalera-ratelimit-callbacks-" + thread.getPoolIndex());
    return thread;
  }
}
