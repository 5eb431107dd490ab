package dev.escalera.batch.internal;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** All that has no result yet, in the order of submission. Guarded by the engine's lock. */
final class Unsettled<P> {
  private @Nullable Operation<P> first;
  private @Nullable Operation<P> last;
  private long sequence;

  void add(Operation<P> operation) {
    operation.sequence = ++sequence;
    operation.before = last;
    if (last == null) {
      first = operation;
    } else {
      last.after = operation;
    }
    last = operation;
  }

  void remove(Operation<P> operation) {
    if (operation.before == null) {
      first = operation.after;
    } else {
      operation.before.after = operation.after;
    }
    if (operation.after == null) {
      last = operation.before;
    } else {
      operation.after.before = operation.before;
    }
    // Else a chain of old ones would be kept alive by the newest.
    operation.before = null;
    operation.after = null;
  }

  /** The number of the newest submission, whether or not it has its result. */
  long newest() {
    return sequence;
  }

  /** The number of the oldest one without a result, larger than any if there is none. */
  long oldest() {
    return first == null ? Long.MAX_VALUE : first.sequence;
  }

  /** How many operations up to a number have no result. */
  int countUntil(long until) {
    int count = 0;
    for (Operation<P> each = first; each != null && each.sequence <= until; each = each.after) {
      count += each.prepared.weight();
    }
    return count;
  }

  List<Operation<P>> all() {
    List<Operation<P>> all = new ArrayList<>();
    for (Operation<P> each = first; each != null; each = each.after) {
      all.add(each);
    }
    return all;
  }
}
