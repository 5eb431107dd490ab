package dev.escalera.examples.redisonly;

import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.redis.RedisBatchExecutor;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import dev.escalera.cache.redis.RedisTieredCache;
import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.redis.RedisRateLimiter;
import dev.escalera.sharding.Direction;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.Index;
import dev.escalera.sharding.Partitioning;
import dev.escalera.sharding.ShardQuery;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.redis.RedisShardRouter;
import io.lettuce.core.RedisClient;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/** Entries in monthly partitions, a cached front page, counted visits, and a limit a guest. */
final class Guestbook implements AutoCloseable {
  private static final String ENTRIES = "entries";
  private static final String FRONT = "front";
  private static final int ON_FRONT = 5;

  private final ShardRouter entries;
  private final BatchExecutor<DocumentWrite> visits;
  private final TieredCache<String, String> pages;
  private final RateLimiter limiter;

  Guestbook(RedisClient redis) {
    entries =
        RedisShardRouter.builder(redis)
            .collection(
                ShardedCollection.named(ENTRIES)
                    .partitionBy(Partitioning.date("writtenAt", "YYYY_MM"))
                    .index(Index.desc("writtenAt")))
            .build();
    visits = RedisBatchExecutor.builder(redis).build();
    pages =
        RedisTieredCache.builder(
                redis, "pages", Duration.ofMinutes(5), KeyCodec.string(), ValueCodec.string())
            .build();
    limiter =
        RedisRateLimiter.builder(redis).limit(Limit.of("sign", 3, Duration.ofMinutes(1))).build();
  }

  /** Writes an entry, unless the guest has written too many. */
  Decision sign(String id, String guest, String text, Instant writtenAt) {
    Decision decision = limiter.tryAcquire("sign", guest);
    if (decision.allowed()) {
      entries.put(
          ENTRIES, Document.of(id, Map.of("guest", guest, "text", text, "writtenAt", writtenAt)));
      pages.invalidate(FRONT);
    }
    return decision;
  }

  /** The latest entries, one a line; counts the visit on the way, in the next batch. */
  String frontPage() {
    visits.submit(DocumentWrite.increment("pages", FRONT, "visits", 1));
    return Objects.requireNonNull(pages.get(FRONT, page -> latest()));
  }

  /** Sends the visits that wait in the batch, and returns how many are still not counted. */
  int flush(Duration timeout) {
    return visits.flush(timeout);
  }

  @Override
  public void close() {
    visits.close();
    limiter.close();
    pages.close();
    entries.close();
  }

  private String latest() {
    return entries
        .query(ShardQuery.from(ENTRIES).orderBy("writtenAt", Direction.DESCENDING).limit(ON_FRONT))
        .items()
        .stream()
        .map(entry -> entry.fields().get("guest") + ": " + entry.fields().get("text"))
        .collect(Collectors.joining("\n"));
  }
}
