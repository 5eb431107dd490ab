package dev.escalera.testkit;

import dev.escalera.testkit.FaultProxy.Direction;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * The faults of a proxy that hold now. Safe for use by several threads; a change is seen at once by
 * bytes that wait.
 */
final class Faults {
  private static final int PACED_WRITES_PER_SECOND = 50;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Set<Direction> frozen = EnumSet.noneOf(Direction.class);
  private final Map<Direction, Cut> cuts = new EnumMap<>(Direction.class);
  private long latencyNanos;
  private long bytesPerSecond = Long.MAX_VALUE;
  private volatile boolean repliesDropped;
  private long cutsMade;

  /** A cut after so many bytes; the id tells a new order from the one that a connection counts. */
  record Cut(long id, long bytes) {}

  void latency(long nanos) {
    change(() -> latencyNanos = nanos);
  }

  void bandwidth(long perSecond) {
    change(() -> bytesPerSecond = perSecond);
  }

  void dropReplies() {
    repliesDropped = true;
  }

  boolean isDropped(Direction direction) {
    return repliesDropped && direction == Direction.REPLIES;
  }

  void freeze(Direction direction) {
    change(() -> frozen.add(direction));
  }

  void cutAfter(Direction direction, long bytes) {
    change(() -> cuts.put(direction, new Cut(++cutsMade, bytes)));
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
    change(
        () -> {
          frozen.clear();
          cuts.clear();
          latencyNanos = 0;
          bytesPerSecond = Long.MAX_VALUE;
          repliesDropped = false;
        });
  }

  /** Makes those that wait look again whether their connection has ended. */
  void wake() {
    change(() -> {});
  }

  /**
   * Returns how many of the next bytes may pass, once they may: at least one, or 0 if the
   * connection ended or there are none.
   *
   * @param length how many there are
   * @param readNanos when they came
   * @param lastNanos when the ones before them passed
   */
  int awaitPassage(
      Direction direction, int length, long readNanos, long lastNanos, BooleanSupplier ended)
      throws InterruptedException {
    lock.lock();
    try {
      while (!ended.getAsBoolean()) {
        int part = (int) Math.min(length, Math.max(1, bytesPerSecond / PACED_WRITES_PER_SECOND));
        long begin = Math.max(readNanos + latencyNanos - lastNanos, 0) + lastNanos;
        long wait = begin + part * TimeUnit.SECONDS.toNanos(1) / bytesPerSecond - System.nanoTime();
        if (frozen.contains(direction)) {
          changed.await();
        } else if (wait > 0) {
          changed.awaitNanos(wait);
        } else {
          return part;
        }
      }
      return 0;
    } finally {
      lock.unlock();
    }
  }

  private void change(Runnable change) {
    lock.lock();
    try {
      change.run();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
