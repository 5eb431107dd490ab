package dev.escalera.ratelimit.internal;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Lets one call at a time be in flight for the same buckets; who comes meanwhile waits in order,
 * and all of them go with the next call.
 */
final class Lanes {
  private static final int MAX_BATCH = 4_096;

  private final ConcurrentHashMap<Object, Lane> lanes = new ConcurrentHashMap<>();
  private final Predicate<List<Target>> merged;

  /** {@code merged} tells whether requests for these may go with one call. */
  Lanes(Predicate<List<Target>> merged) {
    this.merged = merged;
  }

  /** The waiters for the same buckets; exists while a call is in flight. */
  final class Lane {
    private final Object key;
    // Both guarded by this.
    private final ArrayDeque<Waiter> queue = new ArrayDeque<>(0);
    private boolean ended;

    private Lane(Object key) {
      this.key = key;
    }

    private synchronized boolean join(Waiter waiter) {
      if (!ended) {
        queue.add(waiter);
      }
      return !ended;
    }

    /**
     * Returns those who go next, all of whom ask for the same figures; without those who are {@code
     * served}. If there are none, the lane has ended.
     */
    synchronized List<Waiter> next(Predicate<Waiter> served) {
      List<Waiter> next = new ArrayList<>(Math.min(queue.size(), MAX_BATCH));
      while (!queue.isEmpty() && next.size() < MAX_BATCH) {
        Waiter first = queue.getFirst();
        if (!next.isEmpty()
            && !(next.get(0).targets.equals(first.targets) && merged.test(first.targets))) {
          break;
        }
        queue.removeFirst();
        if (!served.test(first)) {
          next.add(first);
        }
      }
      if (next.isEmpty()) {
        end();
      }
      return next;
    }

    /** Ends the lane; returns those who waited. */
    synchronized List<Waiter> abandon() {
      List<Waiter> rest = new ArrayList<>(queue);
      queue.clear();
      end();
      return rest;
    }

    private void end() {
      ended = true;
      lanes.remove(key, this);
    }
  }

  /** Returns a new lane whose first call the waiter has to make, or null if it waits in one. */
  @Nullable Lane join(Waiter waiter) {
    Object key = key(waiter.targets);
    while (true) {
      Lane lane = lanes.get(key);
      if (lane == null) {
        Lane mine = new Lane(key);
        lane = lanes.putIfAbsent(key, mine);
        if (lane == null) {
          return mine;
        }
      }
      if (lane.join(waiter)) {
        return null;
      }
    }
  }

  static Object key(List<Target> targets) {
    return targets.size() == 1 ? targets.get(0).key() : targets.stream().map(Target::key).toList();
  }
}
