package dev.escalera.batch.internal;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.BatchOptions;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * How many operations and bytes may wait or be in flight. One always finds room when there is no
 * other; those who wait get it in their order. Guarded by the engine's lock, which the waiting
 * gives up.
 */
final class Room {
  private final ReentrantLock lock;
  private final String name;
  private final int maxOperations;
  private final long maxBytes;
  private final Deque<Waiter> waiting = new ArrayDeque<>();
  private final AtomicLong operations = new AtomicLong();
  private final AtomicLong bytes = new AtomicLong();
  private boolean closed;

  /** One who waits for room. */
  private static final class Waiter {
    final Condition turn;
    final int weight;
    final long size;

    Waiter(Condition turn, int weight, long size) {
      this.turn = turn;
      this.weight = weight;
      this.size = size;
    }
  }

  Room(ReentrantLock lock, BatchOptions options) {
    this.lock = lock;
    this.name = options.name();
    this.maxOperations = options.maxPending();
    this.maxBytes = options.maxPendingBytes();
  }

  /** Whether one who comes now would have to wait. */
  boolean isFullFor(int weight, long size) {
    return !waiting.isEmpty() || !fits(weight, size);
  }

  /** Whether one waits who cannot have room before something is settled. */
  boolean isShort() {
    Waiter next = waiting.peek();
    return next != null && !fits(next.weight, next.size);
  }

  /** Takes room; when there is none, waits for it so long, then throws. */
  void take(int weight, long size, long waitNanos) {
    if (closed) {
      throw new IllegalStateException(name + " is closed");
    }
    if (isFullFor(weight, size)) {
      await(weight, size, waitNanos);
    }
    operations.addAndGet(weight);
    bytes.addAndGet(size);
  }

  void release(int weight, long size) {
    operations.addAndGet(-weight);
    bytes.addAndGet(-size);
    wakeNext();
  }

  /** Refuses all from now on, those who wait included. */
  void close() {
    closed = true;
    waiting.forEach(waiter -> waiter.turn.signal());
  }

  long operations() {
    return operations.get();
  }

  long bytes() {
    return bytes.get();
  }

  private boolean fits(int weight, long size) {
    return operations() == 0
        || (operations() + weight <= maxOperations && bytes() + size <= maxBytes);
  }

  private void await(int weight, long size, long waitNanos) {
    Waiter waiter = new Waiter(lock.newCondition(), weight, size);
    waiting.add(waiter);
    long left = waitNanos;
    try {
      while (waiting.peek() != waiter || !fits(weight, size)) {
        if (left <= 0) {
          throw new BatchException(
              name + " has no room: " + operations + " operations of " + bytes + " bytes wait",
              null);
        }
        left = waiter.turn.awaitNanos(left);
        if (closed) {
          throw new IllegalStateException(name + " is closed");
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BatchException(
          "interrupted while waiting for room in " + name + "; the operation was not taken", e);
    } finally {
      waiting.remove(waiter);
      // There may be room for the next one too, or now that this one has given up.
      wakeNext();
    }
  }

  private void wakeNext() {
    Waiter next = waiting.peek();
    if (next != null) {
      next.turn.signal();
    }
  }
}
