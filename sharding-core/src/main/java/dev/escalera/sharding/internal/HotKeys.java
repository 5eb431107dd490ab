package dev.escalera.sharding.internal;

import dev.escalera.sharding.Distribution;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The keys that come most often, in constant space: Space-Saving (Metwally, Agrawal, El Abbadi:
 * Efficient Computation of Frequent and Top-k Elements in Data Streams, 2005) over a sample of one
 * in eight. Counts are halved now and then, so that what was hot once does not stay. Safe for use
 * by several threads.
 */
final class HotKeys {
  private static final int KEPT = 128;
  private static final int SHOWN = 10;
  private static final int SAMPLE = 8;
  private static final long HALVED_AT = 100_000;

  private final Map<String, Counter> counters = new HashMap<>();
  private final boolean sampled;
  private long total;

  private static final class Counter {
    long count;
    long error;
  }

  HotKeys() {
    this(true);
  }

  /** Counts every key, or a sample of them. */
  HotKeys(boolean sampled) {
    this.sampled = sampled;
  }

  void add(String key) {
    if (!sampled || ThreadLocalRandom.current().nextInt(SAMPLE) == 0) {
      count(key);
    }
  }

  synchronized List<Distribution.HotKey> top() {
    double all = Math.max(1, total);
    return counters.entrySet().stream()
        .sorted(
            Comparator.comparingLong((Map.Entry<String, Counter> entry) -> -entry.getValue().count)
                .thenComparing(Map.Entry::getKey))
        .limit(SHOWN)
        .map(
            entry ->
                new Distribution.HotKey(
                    entry.getKey(), entry.getValue().count / all, entry.getValue().error / all))
        .toList();
  }

  private synchronized void count(String key) {
    total++;
    Counter counter = counters.get(key);
    if (counter == null) {
      counter = new Counter();
      if (counters.size() == KEPT) {
        Map.Entry<String, Counter> least =
            counters.entrySet().stream()
                .min(Comparator.comparingLong(entry -> entry.getValue().count))
                .orElseThrow();
        counters.remove(least.getKey());
        counter.count = least.getValue().count;
        counter.error = least.getValue().count;
      }
      counters.put(key, counter);
    }
    counter.count++;
    if (total == HALVED_AT) {
      total /= 2;
      counters.values().forEach(HotKeys::halve);
    }
  }

  private static void halve(Counter counter) {
    counter.count /= 2;
    counter.error /= 2;
  }
}
