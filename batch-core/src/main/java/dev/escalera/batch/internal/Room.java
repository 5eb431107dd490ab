package dev.escalera.batch.internal;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.WhenFull;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * How many operations and bytes may wait or be in flight. One operation always finds room when
 * there is no other.
 */
final class Room {
  private final int maxOperations;
  private final long maxBytes;
  private final ReentrantLock lock = new ReentrantLock(true);
  private final Condition released = lock.newCondition();
  private int operations;
  private long bytes;
  private boolean closed;

  Room(Settings settings) {
    maxOperations = settings.maxPending();
    maxBytes = settings.maxPendingBytes();
  }

  /** Takes room; when there is none, waits for it or throws. */
  void take(long size, WhenFull whenFull) {
    try {
      lock.lockInterruptibly();
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
    try {
      while (!closed
          && operations > 0
          && (operations >= maxOperations || bytes + size > maxBytes)) {
        if (whenFull == WhenFull.REJECT) {
          throw new BatchException(
              "no room: " + operations + " operations of " + bytes + " bytes wait", null);
        }
        released.await();
      }
      if (closed) {
        throw new IllegalStateException("the executor is closed");
      }
      operations++;
      bytes += size;
    } catch (InterruptedException e) {
      throw interrupted(e);
    } finally {
      lock.unlock();
    }
  }

  void release(long size) {
    lock.lock();
    try {
      operations--;
      bytes -= size;
      released.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Refuses all from now on, those who wait included. */
  void close() {
    lock.lock();
    try {
      closed = true;
      released.signalAll();
    } finally {
      lock.unlock();
    }
  }

  int operations() {
    lock.lock();
    try {
      return operations;
    } finally {
      lock.unlock();
    }
  }

  private static BatchException interrupted(InterruptedException e) {
    Thread.currentThread().interrupt();
    return new BatchException("interrupted while waiting for room; the operation was not taken", e);
  }
}
