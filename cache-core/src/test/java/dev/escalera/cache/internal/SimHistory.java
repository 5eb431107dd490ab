package dev.escalera.cache.internal;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What was asked and answered, by key, and what may not have been: a read that began after a change
 * was known everywhere must not yield what was loaded before that change was asked for.
 */
final class SimHistory {
  /**
   * An invalidation or a put. Times are of the world.
   *
   * @param applied when the store made it; {@code Long.MAX_VALUE} if that is not known
   * @param everywhere from when on no node may answer otherwise
   * @param node whose own reads are bound as soon as the call returned
   */
  private record Cut(long called, long returned, long applied, long everywhere, int node) {}

  private final Map<String, List<Cut>> cuts = new HashMap<>();
  private final List<String> violations = new ArrayList<>();
  private final List<long[]> losses = new ArrayList<>();
  private int reads;
  private int changes;
  private long print;

  void cut(String key, long called, long returned, long applied, long everywhere, int node) {
    changes++;
    print(key.hashCode(), called, returned, applied, everywhere, node);
    for (long[] loss : losses) {
      if (called <= loss[1] && returned > loss[0]) {
        return;
      }
    }
    cuts.computeIfAbsent(key, same -> new ArrayList<>())
        .add(new Cut(called, returned, applied, everywhere, node));
  }

  /** What a failover took back since a time may or may not have been. */
  void lost(long since, long at) {
    losses.add(new long[] {since, at});
    cuts.values().forEach(all -> all.removeIf(cut -> cut.applied > since));
  }

  /**
   * A read by a node.
   *
   * @param loaded when the load of its value began
   * @param excusedSince if it may be answered without the store, since when: older changes bind it
   *     all the same; null if it may not
   */
  void read(
      String key, long began, long ended, long loaded, int node, @Nullable Long excusedSince) {
    reads++;
    print(key.hashCode(), began, ended, loaded, node, excusedSince == null ? 0 : excusedSince);
    for (Cut cut : cuts.getOrDefault(key, List.of())) {
      long binding = cut.node == node ? cut.returned : cut.everywhere;
      if (loaded < cut.called
          && binding < began
          && (excusedSince == null || cut.node == node || binding < excusedSince)) {
        violations.add(
            String.format(
                "read of %s by node %d at %.3f..%.3f ms yields what was loaded at %.3f ms, but"
                    + " node %d changed it at %.3f..%.3f ms, everywhere from %.3f ms",
                key,
                node,
                began / 1e6,
                ended / 1e6,
                loaded / 1e6,
                cut.node,
                cut.called / 1e6,
                cut.returned / 1e6,
                cut.everywhere / 1e6));
      }
    }
  }

  void violation(String what) {
    violations.add(what);
  }

  List<String> violations() {
    return violations;
  }

  /** A hash of all that happened, in its order. */
  long print() {
    return print;
  }

  private void print(long... event) {
    for (long part : event) {
      print = (Long.rotateLeft(print, 7) ^ part) * 0x9e3779b97f4a7c15L;
    }
  }

  int reads() {
    return reads;
  }

  int changes() {
    return changes;
  }
}
