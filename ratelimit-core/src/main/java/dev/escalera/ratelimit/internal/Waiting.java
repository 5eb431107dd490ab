package dev.escalera.ratelimit.internal;

import dev.escalera.ratelimit.Decision;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/** Those who wait for tokens, in order of arrival for the same buckets. */
final class Waiting {
  private static final int MAX_WAITING = 10_000;

  private final BiFunction<List<Target>, Long, CompletableFuture<Decision>> attempt;
  private final ProcessClock clock;
  private final ConcurrentHashMap<Object, Line> lines = new ConcurrentHashMap<>();
  private final AtomicInteger waiting = new AtomicInteger();

  Waiting(BiFunction<List<Target>, Long, CompletableFuture<Decision>> attempt, ProcessClock clock) {
    this.attempt = attempt;
    this.clock = clock;
  }

  CompletableFuture<Decision> acquire(List<Target> targets, long cost, long maxWaitNanos) {
    Item item = new Item(targets, cost, clock.nanos() + maxWaitNanos);
    Object key = Lanes.key(targets);
    Line line = lines.get(key);
    if (maxWaitNanos > 0 && line != null && line.join(item)) {
      return item.result;
    }
    CompletableFuture<Decision> first = attempt.apply(targets, cost);
    return first.thenCompose(
        decision -> {
          if (decision.allowed() || isHopeless(item, decision)) {
            return first;
          }
          join(key, item, decision);
          return item.result;
        });
  }

  private void join(Object key, Item item, Decision denied) {
    while (true) {
      Line mine = new Line(key, denied);
      Line line = lines.putIfAbsent(key, mine);
      if (line == null) {
        mine.start(item);
        return;
      }
      if (line.join(item)) {
        return;
      }
    }
  }

  /** Whether the tokens come too late, or too many wait already. */
  private boolean isHopeless(Item item, Decision denied) {
    return denied.retryNanos() > item.deadline - clock.nanos() || waiting.get() >= MAX_WAITING;
  }

  private void later(long nanos, Runnable task) {
    CompletableFuture.delayedExecutor(nanos, TimeUnit.NANOSECONDS, Callbacks.EXECUTOR)
        .execute(task);
  }

  private static final class Item {
    private final List<Target> targets;
    private final long cost;
    private final long deadline;
    private final CompletableFuture<Decision> result = new CompletableFuture<>();

    /** Set while an attempt is under way, whose outcome must not be lost. Guarded by this. */
    private boolean trying;

    Item(List<Target> targets, long cost, long deadline) {
      this.targets = targets;
      this.cost = cost;
      this.deadline = deadline;
    }

    private synchronized boolean begin() {
      trying = !result.isDone();
      return trying;
    }

    private synchronized void rest() {
      trying = false;
    }

    /** Gives up, unless an attempt is under way. */
    private synchronized void expire(Decision last) {
      if (!trying) {
        result.complete(last);
      }
    }
  }

  private final class Line {
    private final Object key;
    // Both guarded by this.
    private final ArrayDeque<Item> items = new ArrayDeque<>();
    private boolean ended;

    /** What those are told whose time is over. */
    private volatile Decision denied;

    Line(Object key, Decision denied) {
      this.key = key;
      this.denied = denied;
    }

    /** Joins behind the others; false if the line has ended. */
    synchronized boolean join(Item item) {
      if (ended) {
        return false;
      }
      add(item);
      return true;
    }

    void start(Item item) {
      synchronized (this) {
        add(item);
      }
      later(denied.retryNanos(), this::serve);
    }

    private void add(Item item) {
      items.add(item);
      waiting.incrementAndGet();
      later(Math.max(0, item.deadline - clock.nanos()), () -> item.expire(denied));
    }

    /** Serves the first in line, and goes on when it is served. */
    private void serve() {
      Item head;
      synchronized (this) {
        while (!items.isEmpty() && items.getFirst().result.isDone()) {
          items.removeFirst();
          waiting.decrementAndGet();
        }
        if (items.isEmpty()) {
          ended = true;
          lines.remove(key, this);
          return;
        }
        head = items.getFirst();
      }
      if (!head.begin()) {
        later(0, this::serve);
        return;
      }
      attempt(
          head,
          decision -> {
            if (decision.allowed() || isLate(head, decision)) {
              head.result.complete(decision);
              later(0, this::serve);
            } else {
              denied = decision;
              head.rest();
              later(decision.retryNanos(), this::serve);
            }
          });
    }

    private boolean isLate(Item item, Decision denied) {
      return denied.retryNanos() > item.deadline - clock.nanos();
    }

    private void attempt(Item item, Consumer<Decision> then) {
      CompletableFuture<Decision> attempted;
      try {
        attempted = attempt.apply(item.targets, item.cost);
      } catch (RuntimeException e) {
        attempted = CompletableFuture.failedFuture(e);
      }
      attempted.whenComplete(
          (decision, failure) -> {
            if (failure != null) {
              item.result.completeExceptionally(failure);
              later(0, this::serve);
            } else {
              then.accept(decision);
            }
          });
    }
  }
}
