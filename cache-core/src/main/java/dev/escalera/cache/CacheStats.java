package dev.escalera.cache;

import java.time.Duration;

/**
 * What a cache counted since it was built.
 *
 * @param l1Hits reads that L1 answered
 * @param l2Hits reads that L2 answered, those that waited for another's included
 * @param misses reads that no tier answered, those that waited for another's load included
 * @param outageHits reads that L1 answered since L2 could not be reached
 * @param staleServed reads that got an expired value since its load failed or was slow
 * @param loads calls of a loader
 * @param loadFailures loads that failed
 * @param loadTime time in loaders, in all
 * @param earlyRefreshes loads that began before their value expired
 * @param revalidated values in L1 that proved to be current after a connection was lost
 * @param l1Size entries in L1 now, about; some may be outdated
 * @param l2Available whether calls of L2 are let through; true where there is no L2
 * @param fenced whether L1 is out of use because this node does not hear of others' changes
 * @param fencedTime how long it was out of use, in all
 * @param pendingInvalidations invalidations that L2 has not confirmed yet
 * @param decodeFailures values in L2 that could not be read and counted as misses
 * @param fillsRefused loaded values that were not stored since the key had changed meanwhile
 * @param oversized values that were too large for L2 and kept in L1 alone
 * @param storeReads calls of L2 that read
 * @param storeWrites calls of L2 that write
 * @param storeFailures calls of L2 that failed, those over the budget included
 * @param budgetExceeded calls of L2 that were given up since the budget was spent
 * @param bytesBefore length of the values that were written to L2, before compression
 * @param bytesAfter their length after it
 * @param staleDetected values that an audit found to differ from the source
 */
public record CacheStats(
    long l1Hits,
    long l2Hits,
    long misses,
    long outageHits,
    long staleServed,
    long loads,
    long loadFailures,
    Duration loadTime,
    long earlyRefreshes,
    long revalidated,
    long l1Size,
    boolean l2Available,
    boolean fenced,
    Duration fencedTime,
    int pendingInvalidations,
    long decodeFailures,
    long fillsRefused,
    long oversized,
    long storeReads,
    long storeWrites,
    long storeFailures,
    long budgetExceeded,
    long bytesBefore,
    long bytesAfter,
    long staleDetected) {

  /**
   * Returns the share of reads that a tier answered.
   *
   * @return from 0 to 1; 1 if nothing was read yet
   */
  public double hitRate() {
    long hits = l1Hits + l2Hits + outageHits + staleServed;
    long reads = hits + misses;
    return reads == 0 ? 1 : (double) hits / reads;
  }
}
