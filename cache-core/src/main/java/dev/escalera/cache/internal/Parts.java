package dev.escalera.cache.internal;

import dev.escalera.cache.CacheOptions;
import org.jspecify.annotations.Nullable;

/**
 * What the ways through one cache share.
 *
 * @param remote null where L1 is all
 */
record Parts<K, V>(
    CacheOptions<K, V> options,
    LocalTier<K, V> local,
    @Nullable RemoteTier<V> remote,
    TagBook tags,
    Lease lease,
    Pending pending,
    Counters counters,
    Platform platform,
    Rules rules) {}
