package dev.escalera.ratelimit.internal;

import dev.escalera.ratelimit.Decision;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Someone who waits for a decision. */
final class Waiter extends CompletableFuture<Decision> {
  final List<Target> targets;
  final long cost;
  final long since;

  /** Whether a thread waits, so that nothing of the host's runs on the thread that completes. */
  final boolean blocking;

  /** Whether the failure policy decides. Guarded by this. */
  private boolean given;

  Waiter(List<Target> targets, long cost, long since, boolean blocking) {
    this.targets = targets;
    this.cost = cost;
    this.since = since;
    this.blocking = blocking;
  }

  /** Gives the decision to the failure policy, once. */
  synchronized boolean give() {
    boolean first = !given && !isDone();
    given = true;
    return first;
  }
}
