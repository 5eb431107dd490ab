package dev.escalera.cache.internal;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The changes of this node whose message is still to come back: it would drop from L1 what has been
 * put or read since.
 */
final class OwnChanges {
  private static final int MAX = 10_000;

  private final Set<Long> expected = ConcurrentHashMap.newKeySet();

  void expect(long nonce) {
    if (expected.size() >= MAX) {
      // A message that is not recognised costs a miss, no more.
      expected.clear();
    }
    expected.add(nonce);
  }

  /** Returns whether the nonce was expected, once. */
  boolean take(long nonce) {
    return expected.remove(nonce);
  }

  void clear() {
    expected.clear();
  }
}
