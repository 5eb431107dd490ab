package dev.escalera.ratelimit.internal;

import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinWorkerThread;

/**
 * Threads for what the host has attached to a decision, which may take its time. As many as the
 * common pool has, which does not do itself: where it has only one, each task would be a new
 * thread. One that waits for another decision is made up for by a spare.
 */
final class Callbacks {
  private static final int THREADS = Math.max(1, Runtime.getRuntime().availableProcessors() - 1);

  static final Executor EXECUTOR =
      new ForkJoinPool(THREADS, Callbacks::thread, null, /* asyncMode= */ true);

  private Callbacks() {}

  private static ForkJoinWorkerThread thread(ForkJoinPool pool) {
    ForkJoinWorkerThread thread = ForkJoinPool.defaultForkJoinWorkerThreadFactory.newThread(pool);
    thread.setName("escalera-ratelimit-callbacks-" + thread.getPoolIndex());
    return thread;
  }
}
