package dev.escalera.cache;

import java.time.Duration;

/**
 * What a cache is built with.
 *
 * @param name of the cache, which keeps its keys apart from those of others
 * @param ttl how long a value lives
 * @param ttlJitter the share of the time to live by which a value may live shorter
 * @param l1MaximumSize how many entries L1 holds
 * @param l1Ttl how long a value lives in L1
 * @param remoteBudget how long one call may wait for L2
 */
public record CacheOptions(
    String name,
    Duration ttl,
    double ttlJitter,
    long l1MaximumSize,
    Duration l1Ttl,
    Duration remoteBudget) {}
