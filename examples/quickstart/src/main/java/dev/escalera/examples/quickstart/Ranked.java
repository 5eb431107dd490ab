package dev.escalera.examples.quickstart;

import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** A name and how many messages it has. */
record Ranked(String name, long messages) {
  /** Returns the counts, the largest first, equal ones by name. */
  static List<Ranked> of(Map<String, Long> counts) {
    return counts.entrySet().stream()
        .map(entry -> new Ranked(entry.getKey(), entry.getValue()))
        .sorted(Comparator.comparingLong(Ranked::messages).reversed().thenComparing(Ranked::name))
        .toList();
  }
}
