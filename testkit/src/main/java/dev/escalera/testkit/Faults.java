package dev.escalera.testkit;

import dev.escalera.testkit.FaultProxy.Direction;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** The faults of a proxy that hold now. Safe for use by several threads. */
final class Faults {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Set<Direction> frozen = EnumSet.noneOf(Direction.class);
  private final Map<Direction, Cut> cuts = new EnumMap<>(Direction.class);
  private volatile long latencyNanos;
  private volatile long bytesPerSecond = Long.MAX_VALUE;
  private volatile boolean repliesDropped;
  private long cutsMade;

  /** A cut after so many bytes; the id tells a new order from the one that a connection counts. */
  record Cut(long id, long bytes) {}

  void latency(long nanos) {
    latencyNanos = nanos;
  }

  long latencyNanos() {
    return latencyNanos;
  }

  void bandwidth(long perSecond) {
    bytesPerSecond = perSecond;
  }

  long bytesPerSecond() {
    return bytesPerSecond;
  }

  void dropReplies() {
    repliesDropped = true;
  }

  boolean isDropped(Direction direction) {
    return repliesDropped && direction == Direction.REPLIES;
  }

  void freeze(Direction direction) {
    lock.lock();
    try {
      frozen.add(direction);
    } finally {
      lock.unlock();
    }
  }

  void cutAfter(Direction direction, long bytes) {
    lock.lock();
    try {
      cuts.put(direction, new Cut(++cutsMade, bytes));
    } finally {
      lock.unlock();
    }
  }

  Cut cut(Direction direction) {
    lock.lock();
    try {
      return cuts.getOrDefault(direction, new Cut(0, Long.MAX_VALUE));
    } finally {
      lock.unlock();
    }
  }

  void clear() {
    lock.lock();
    try {
      frozen.clear();
      cuts.clear();
      latencyNanos = 0;
      bytesPerSecond = Long.MAX_VALUE;
      repliesDropped = false;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Returns once bytes may pass in {@code direction}. */
  void awaitPassage(Direction direction) throws InterruptedException {
    lock.lock();
    try {
      while (frozen.contains(direction)) {
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }
}
