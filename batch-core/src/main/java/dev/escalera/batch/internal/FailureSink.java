package dev.escalera.batch.internal;

import dev.escalera.batch.WriteResult;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the host of results that are not applied, one by one, on a thread of its own. */
final class FailureSink implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(FailureSink.class);

  /** The run reads no further while more than this wait; what is in flight then comes on top. */
  private static final int MANY = 1_000;

  private final String run;
  private final Consumer<? super WriteResult> told;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Deque<WriteResult> waiting = new ArrayDeque<>();
  private final Thread thread;
  private boolean closed;

  FailureSink(String run, Consumer<? super WriteResult> told) {
    this.run = run;
    this.told = told;
    this.thread = new Thread(this::tellAll, "escalera-batch-failures");
    thread.setDaemon(true);
    thread.start();
  }

  void add(WriteResult result) {
    lock.lock();
    try {
      waiting.add(result);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  void awaitRoom() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (waiting.size() > MANY) {
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Waits until all were told. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void tellAll() {
    for (WriteResult next = await(); next != null; next = await()) {
      try {
        told.accept(next);
      } catch (RuntimeException e) {
        log.warn(
            "run {}: the one who is told its failures threw at index {}", run, next.index(), e);
      }
    }
  }

  private @Nullable WriteResult await() {
    lock.lock();
    try {
      while (waiting.isEmpty() && !closed) {
        changed.awaitUninterruptibly();
      }
      changed.signalAll();
      return waiting.poll();
    } finally {
      lock.unlock();
    }
  }
}
