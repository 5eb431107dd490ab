/**
 * A cache of two tiers that stays coherent across nodes: Caffeine in the process (L1), Redis or
 * Firestore behind it (L2), the host's loader behind both.
 *
 * <p>{@link dev.escalera.cache.TieredCache} is the entry point.
 *
 * <pre>{@code
 * TieredCache<String, String> cache =
 *     RedisTieredCache.builder(
 *             redisClient, "metrics", Duration.ofMinutes(5), KeyCodec.string(), ValueCodec.string())
 *         .l1MaximumSize(50_000)
 *         .build();
 *
 * String metrics = cache.get("admin:7d", key -> database.metrics(key));
 * cache.invalidate("admin:7d");
 * }</pre>
 *
 * <p>Three implementations: {@code local.LocalTieredCache} in one process, {@code
 * redis.RedisTieredCache} and {@code firestore.FirestoreTieredCache}. An {@code invalidate} or a
 * {@code put} reaches the L1 of every node; a load that lost a race against either is not cached; a
 * node that may have missed one serves nothing from its L1 until it listens again.
 */
@NullMarked
package dev.escalera.cache;

import org.jspecify.annotations.NullMarked;
