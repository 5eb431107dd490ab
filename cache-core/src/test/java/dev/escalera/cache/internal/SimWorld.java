package dev.escalera.cache.internal;

import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.SplittableRandom;

/** Virtual time: what is to happen, in the order in which it does. One seed, one history. */
final class SimWorld {
  static final long MILLI = 1_000_000;
  static final long SECOND = 1_000 * MILLI;

  final SplittableRandom random;
  private final PriorityQueue<Event> events =
      new PriorityQueue<>(Comparator.comparingLong(Event::at).thenComparingLong(Event::order));
  private long now = SECOND;

  /** Whether nothing is out of the ordinary any more. */
  boolean calm;

  private long order;

  private record Event(long at, long order, Runnable task) {}

  SimWorld(long seed) {
    this.random = new SplittableRandom(seed);
  }

  long now() {
    return now;
  }

  void at(long time, Runnable task) {
    events.add(new Event(Math.max(time, now), order++, task));
  }

  void after(long nanos, Runnable task) {
    at(now + nanos, task);
  }

  void runUntil(long time) {
    while (!events.isEmpty() && events.peek().at <= time) {
      Event next = events.remove();
      now = next.at;
      next.task.run();
    }
    now = time;
  }

  boolean chance(double probability) {
    return random.nextDouble() < probability;
  }

  /** Mostly about a mean; now and then, while it is not calm, many times that. */
  long delay(long mean) {
    double drawn = -Math.log(1 - random.nextDouble()) * mean;
    return (long) (chance(0.01) && !calm ? drawn * 100 : drawn);
  }
}
