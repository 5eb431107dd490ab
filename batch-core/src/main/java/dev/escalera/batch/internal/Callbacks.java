package dev.escalera.batch.internal;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs what the host has attached to results, and knows when that is over. */
final class Callbacks {
  private static final Logger log = LoggerFactory.getLogger(Callbacks.class);

  private final Executor executor;
  private final String name;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Set<Object> running = new LinkedHashSet<>();

  Callbacks(Executor executor, String name) {
    this.executor = executor;
    this.name = name;
  }

  /** Announces a task, for which those wait who come from now on. */
  Object announce() {
    Object ticket = new Object();
    lock.lock();
    try {
      running.add(ticket);
    } finally {
      lock.unlock();
    }
    return ticket;
  }

  /** Runs the task that was announced. */
  void run(Object ticket, Runnable task) {
    Runnable tracked =
        () -> {
          try {
            task.run();
          } finally {
            end(ticket);
          }
        };
    try {
      executor.execute(tracked);
    } catch (RejectedExecutionException e) {
      // The results must be told whatever becomes of the host's executor.
      log.warn("{}: its executor for callbacks refuses them", name, e);
      tracked.run();
    }
  }

  /** Takes note that there is nothing to run after all. */
  void withdraw(Object ticket) {
    end(ticket);
  }

  /** Waits until all that was handed over has run, but not for long: it may block. */
  void await(long nanos) throws InterruptedException {
    long left = nanos;
    lock.lockInterruptibly();
    try {
      List<Object> before = new ArrayList<>(running);
      while (left > 0 && before.stream().anyMatch(running::contains)) {
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  private void end(Object ticket) {
    lock.lock();
    try {
      running.remove(ticket);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
