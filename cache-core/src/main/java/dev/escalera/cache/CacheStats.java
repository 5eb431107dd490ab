package dev.escalera.cache;

import java.time.Duration;

/**
 * What a cache counted since it was built.
 *
 * @param l1Hits reads that L1 answered
 * @param l2Hits reads that L2 answered, those that waited for another's included
 * @param misses reads that no tier answered, those that waited for another's load included
 * @param loads calls of a loader
 * @param loadFailures loads that failed
 * @param loadTime time in loaders, in all
 * @param l1Size entries in L1 now, about; some may be outdated
 * @param l2Available whether calls of L2 are let through; true where there is no L2
 * @param fenced whether L1 is out of use because this node does not hear of others' changes
 * @param decodeFailures values in L2 that could not be read and counted as misses
 * @param fillsRefused loaded values that were not stored since the key had changed meanwhile
 * @param oversized values that were too large for L2 and kept in L1 alone
 * @param storeReads calls of L2 that read
 * @param storeWrites calls of L2 that write
 * @param storeFailures calls of L2 that failed, those over the budget included
 * @param budgetExceeded calls of L2 that were given up since the budget was spent
 */
public record CacheStats(
    long l1Hits,
    long l2Hits,
    long misses,
    long loads,
    long loadFailures,
    Duration loadTime,
    long l1Size,
    boolean l2Available,
    boolean fenced,
    long decodeFailures,
    long fillsRefused,
    long oversized,
    long storeReads,
    long storeWrites,
    long storeFailures,
    long budgetExceeded) {

  /**
   * Returns the share of reads that a tier answered.
   *
   * @return from 0 to 1; 1 if nothing was read yet
   */
  public double hitRate() {
    long hits = l1Hits + l2Hits;
    long reads = hits + misses;
    return reads == 0 ? 1 : (double) hits / reads;
  }
}
