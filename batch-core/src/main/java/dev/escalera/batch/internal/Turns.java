package dev.escalera.batch.internal;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Whose turn it is, key by key: an operation has its turn when it is the first of each of its keys.
 * All keys of an operation are claimed in one step, so that no two wait for each other. Guarded by
 * the engine's lock.
 */
final class Turns<P> {
  /** A place in the queue of one key. */
  static final class Claim<P> {
    final Operation<P> operation;
    final Object key;
    @Nullable Claim<P> next;

    Claim(Operation<P> operation, Object key) {
      this.operation = operation;
      this.key = key;
    }
  }

  private static final Claim<?>[] NONE = new Claim<?>[0];

  private final Map<Object, Claim<P>> last = new HashMap<>();

  @SuppressWarnings("unchecked")
  static <P> Claim<P>[] none() {
    return (Claim<P>[]) NONE;
  }

  /** Queues the operation behind others of its keys; returns whether it has its turn. */
  boolean claim(Operation<P> operation) {
    List<Object> keys = operation.prepared.keys();
    if (keys.isEmpty()) {
      return true;
    }
    operation.claims = newClaims(keys.size());
    for (int i = 0; i < keys.size(); i++) {
      Claim<P> claim = new Claim<>(operation, keys.get(i));
      operation.claims[i] = claim;
      Claim<P> before = last.put(claim.key, claim);
      if (before != null) {
        before.next = claim;
        operation.claimsMissing++;
      }
    }
    return operation.claimsMissing == 0;
  }

  /** Gives the keys of an operation that has its turn to the next of each. */
  void release(Operation<P> operation, Consumer<Operation<P>> hasTurn) {
    // Those that were cancelled while they waited give their keys on at once: a loop, since they
    // may be many.
    Deque<Operation<P>> releasing = new ArrayDeque<>(2);
    releasing.add(operation);
    while (!releasing.isEmpty()) {
      Operation<P> released = releasing.poll();
      for (Claim<P> claim : released.claims) {
        Operation<P> next = advance(claim);
        if (next != null && --next.claimsMissing == 0) {
          if (next.settled) {
            releasing.add(next);
          } else {
            hasTurn.accept(next);
          }
        }
      }
      released.claims = none();
    }
  }

  /** How many keys are taken; for tests. */
  int size() {
    return last.size();
  }

  private @Nullable Operation<P> advance(Claim<P> claim) {
    Claim<P> next = claim.next;
    if (next == null) {
      last.remove(claim.key);
      return null;
    }
    return next.operation;
  }

  @SuppressWarnings("unchecked")
  private static <P> Claim<P>[] newClaims(int size) {
    return (Claim<P>[]) new Claim<?>[size];
  }
}
