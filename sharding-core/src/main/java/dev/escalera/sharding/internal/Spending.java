package dev.escalera.sharding.internal;

import dev.escalera.sharding.Page;

/** What a page costs so far, and how much it may. For one thread at a time. */
final class Spending {
  private final int maxReads;
  private int buckets;
  private int reads;
  private int rounds;

  Spending(int maxReads) {
    this.maxReads = maxReads;
  }

  void addBucket() {
    buckets++;
  }

  /** A round that may read so many documents; throws IllegalArgumentException if too many. */
  void beginRound(long documents) {
    if (reads + documents > maxReads) {
      throw new IllegalArgumentException(
          "the page would read up to "
              + (reads + documents)
              + " documents from "
              + buckets
              + " buckets, expected at most "
              + maxReads
              + "; add a condition on the field that partitions go by, or take a smaller limit or"
              + " a greater maxReads");
    }
    rounds++;
  }

  /** Returns how many of so many documents may still be asked of each of some buckets. */
  int affordable(int wanted, int asked) {
    return Math.max(1, Math.min(wanted, (maxReads - reads) / Math.max(1, asked)));
  }

  /** An answer of so many documents; one without any is billed as one. */
  void addAnswer(int documents) {
    reads += Math.max(1, documents);
  }

  Page.Cost cost() {
    return new Page.Cost(buckets, reads, rounds);
  }
}
