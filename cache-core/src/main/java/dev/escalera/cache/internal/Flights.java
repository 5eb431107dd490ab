package dev.escalera.cache.internal;

import java.io.Serial;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** The reads and loads that run in this process, at most one a key that new callers may join. */
final class Flights<K, V> {
  private final ConcurrentHashMap<K, Flight<V>> running = new ConcurrentHashMap<>();

  /** Returns the flight to wait for: another's if it may be joined, else the own. */
  Flight<V> join(K key, Flight<V> own, Predicate<Flight<V>> joinable) {
    Flight<V> under = running.get(key);
    if (under != null && isJoinable(under, joinable)) {
      // Without the lock that compute takes: for one key many come at once.
      return under;
    }
    Flight<V> joined =
        running.compute(
            key, (same, other) -> other != null && isJoinable(other, joinable) ? other : own);
    if (joined == own) {
      own.result.whenComplete((outcome, failure) -> running.remove(key, own));
    }
    return joined;
  }

  private static <V> boolean isJoinable(Flight<V> flight, Predicate<Flight<V>> joinable) {
    return !flight.result.isDone() && joinable.test(flight);
  }

  static final class Flight<V> {
    final Mark mark;
    final CompletableFuture<Outcome<V>> result = new CompletableFuture<>();

    Flight(Mark mark) {
      this.mark = mark;
    }

    /** Ends as what is started does, or as it fails to start: or else all who join would wait. */
    void endAs(Supplier<CompletableFuture<Outcome<V>>> way) {
      try {
        way.get().whenComplete((outcome, failure) -> Futures.end(result, outcome, failure));
      } catch (Throwable e) {
        result.completeExceptionally(e);
      }
    }
  }

  /** The one who loaded was interrupted; those who wait try again. */
  static final class AbandonedException extends RuntimeException {
    @Serial private static final long serialVersionUID = 1L;

    AbandonedException(Throwable cause) {
      super("the load was interrupted", cause);
    }
  }
}
