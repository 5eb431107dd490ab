package dev.escalera.cache.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the nodes of a fleet wrote down, checked: a read that began after a change was known where
 * it was made must not yield what was loaded before that change was asked for. Times are
 * nanoseconds of the host.
 */
final class FleetHistory {
  private final List<Read> reads = new ArrayList<>();
  private final List<Change> changes = new ArrayList<>();
  private final Map<String, Long> puts = new HashMap<>();
  private final List<long[]> losses = new ArrayList<>();
  private final List<String> violations = new ArrayList<>();
  private final long boundNanos;
  private final long leaseNanos;
  private int excused;
  private int bound;

  private record Read(
      String cache, String key, long began, long ended, String value, String life, String leased) {}

  private record Change(
      String cache, String key, long called, long returned, boolean known, String life) {}

  /**
   * Makes a history.
   *
   * @param boundNanos how far a node may be behind a change that is not acknowledged
   * @param leaseNanos how long a lease is
   */
  FleetHistory(long boundNanos, long leaseNanos) {
    this.boundNanos = boundNanos;
    this.leaseNanos = leaseNanos;
  }

  /** What a failover takes back between two times may or may not have been. */
  void lost(long since, long until) {
    losses.add(new long[] {since, until});
  }

  void add(String line) {
    String[] words = line.split(" ", -1);
    switch (words[0]) {
      case "R" ->
          reads.add(
              new Read(
                  words[1],
                  words[2],
                  Long.parseLong(words[3]),
                  Long.parseLong(words[4]),
                  words[5],
                  words[6],
                  words[7]));
      case "C" -> {
        Change change =
            new Change(
                words[1],
                words[2],
                Long.parseLong(words[3]),
                Long.parseLong(words[4]),
                Boolean.parseBoolean(words[5]),
                words[6]);
        changes.add(change);
        if (!words[7].equals("-")) {
          // Where its outcome is not known it can be carried out at any time.
          puts.put(words[7], change.known ? change.returned : Long.MAX_VALUE);
        }
      }
      case "broken" -> violations.add(line);
      default -> {
        // Failures are allowed, and what a node answers to the test.
      }
    }
  }

  int reads() {
    return reads.size();
  }

  int changes() {
    return changes.size();
  }

  /** How many reads were bound by a change. */
  int bound() {
    return bound;
  }

  /** How many reads may have been answered without the store. */
  int excused() {
    return excused;
  }

  /** Changes in the order in which they bind, each with the latest of those so far. */
  private static final class Cuts {
    final long[] binding;
    final Change[] latest;

    Cuts(List<Change> changes, java.util.function.ToLongFunction<Change> binds) {
      List<Change> ordered = new ArrayList<>(changes);
      ordered.sort(Comparator.comparingLong(binds));
      binding = ordered.stream().mapToLong(binds).toArray();
      latest = ordered.toArray(new Change[0]);
      for (int i = 1; i < latest.length; i++) {
        if (latest[i - 1].called > latest[i].called) {
          latest[i] = latest[i - 1];
        }
      }
    }

    /** Returns the change that was asked for last of those that bind before a time. */
    @org.jspecify.annotations.Nullable
    Change before(long time) {
      int place = Arrays.binarySearch(binding, time);
      int end = place < 0 ? -place - 1 : place;
      while (end > 0 && binding[end - 1] >= time) {
        end--;
      }
      return end == 0 ? null : latest[end - 1];
    }
  }

  /** Checks all that was added; returns what went wrong. */
  List<String> check() {
    Map<String, List<Change>> known = new TreeMap<>();
    Map<String, List<Change>> own = new TreeMap<>();
    for (Change change : changes) {
      String place = change.cache + " " + change.key;
      if (isLost(change)) {
        continue;
      }
      own.computeIfAbsent(place + " " + change.life, none -> new ArrayList<>()).add(change);
      if (change.known) {
        known.computeIfAbsent(place, none -> new ArrayList<>()).add(change);
      }
    }
    Map<String, Cuts> everywhere = new HashMap<>();
    known.forEach((place, all) -> everywhere.put(place, new Cuts(all, this::everywhere)));
    Map<String, Cuts> here = new HashMap<>();
    own.forEach((place, all) -> here.put(place, new Cuts(all, Change::returned)));
    for (Read read : reads) {
      check(read, everywhere, here);
    }
    return violations;
  }

  private long everywhere(Change change) {
    return change.returned + (change.cache.contains("ACKNOWLEDGED") ? 0 : boundNanos);
  }

  private boolean isLost(Change change) {
    for (long[] loss : losses) {
      if (change.called <= loss[1] && change.returned >= loss[0]) {
        return true;
      }
    }
    return false;
  }

  private void check(Read read, Map<String, Cuts> everywhere, Map<String, Cuts> here) {
    String place = read.cache + " " + read.key;
    if (!read.value.startsWith(read.key + ":")) {
      violations.add("a value of another key: " + read);
      return;
    }
    long loaded = Long.parseLong(read.value.substring(read.value.lastIndexOf(':') + 1));
    if (loaded > read.ended) {
      violations.add("a value of the future: " + read);
    }
    boolean excusable = !read.leased.equals("-");
    long since = read.began;
    if (excusable) {
      excused++;
      long leased = Long.parseLong(read.leased);
      since = leased == Long.MIN_VALUE ? leased : leased - leaseNanos;
    }
    // A put is made at some moment until it returns.
    long fresh =
        puts.getOrDefault(read.value, read.value.contains(":P:") ? Long.MAX_VALUE : loaded);
    Cuts all = everywhere.get(place);
    Cuts mine = here.get(place + " " + read.life);
    Change binding = all == null ? null : all.before(since);
    Change ours = mine == null ? null : mine.before(read.began);
    if (binding != null || ours != null) {
      bound++;
    }
    for (Change cut : new Change[] {binding, ours}) {
      if (cut != null && fresh < cut.called) {
        violations.add(
            "stale by " + (cut.called - fresh) / 1_000_000 + " ms: " + read + " after " + cut);
      }
    }
  }
}
