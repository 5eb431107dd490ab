package dev.escalera.examples.quickstart;

import static dev.escalera.sharding.Direction.DESCENDING;
import static dev.escalera.sharding.Operator.EQUAL;
import static dev.escalera.sharding.Operator.GREATER_OR_EQUAL;
import static dev.escalera.sharding.Operator.LESS;

import com.google.cloud.firestore.Firestore;
import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.local.LocalBatchExecutor;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.jackson.JacksonCodec;
import dev.escalera.cache.redis.RedisTieredCache;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.redis.RedisRateLimiter;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.DocumentResult;
import dev.escalera.sharding.Index;
import dev.escalera.sharding.Page;
import dev.escalera.sharding.Partitioning;
import dev.escalera.sharding.ShardQuery;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.firestore.FirestoreShardRouter;
import dev.escalera.sharding.redis.RedisShardRouter;
import io.lettuce.core.RedisClient;
import java.time.Duration;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The four modules as a host wires them: a sharded collection, what fills it, a cache before its
 * queries, a limit before all.
 */
final class Dashboard implements AutoCloseable {
  static final String MESSAGES = "messages";
  static final String ENDPOINT = "overview";

  private static final int RECENT = 50;
  private static final int PAGE = 500;

  /** The emulator is slower than Firestore: it reads all documents for each query. */
  private static final Duration DEADLINE = Duration.ofSeconds(30);

  private final ShardRouter router;
  private final BatchExecutor<Document> writer;
  private final TieredCache<String, Overview> overviews;
  private final TieredCache<String, Activity> activities;
  private final RateLimiter limiter;

  private Dashboard(ShardRouter router, RedisClient redis) {
    this.router = router;
    this.writer =
        LocalBatchExecutor.builder(
                (List<Document> documents) -> router.writeAll(MESSAGES, documents),
                DocumentResult::failure)
            .keyedBy(Document::id)
            .maxConcurrentBatches(4)
            .build();
    this.overviews =
        RedisTieredCache.builder(
                redis,
                "overviews",
                Duration.ofMinutes(5),
                KeyCodec.string(),
                JacksonCodec.of(Overview.class))
            .build();
    this.activities =
        RedisTieredCache.builder(
                redis,
                "activities",
                Duration.ofMinutes(2),
                KeyCodec.string(),
                JacksonCodec.of(Activity.class))
            .build();
    this.limiter =
        RedisRateLimiter.builder(redis)
            .limit(Limit.of(ENDPOINT, 10, Duration.ofMinutes(1)))
            // The first calls of a JVM are slow, and a missed deadline lets a user pass.
            .deadline(Duration.ofSeconds(1))
            .build();
  }

  /** Opens a dashboard whose messages are in Firestore if there is one, else in Redis. */
  static Dashboard open(RedisClient redis, Optional<Firestore> firestore) {
    ShardedCollection messages =
        ShardedCollection.named(MESSAGES)
            .partitionBy(Partitioning.date("createdAt", "YYYY_MM"))
            .spread(2)
            .index(Index.desc("createdAt"))
            .index(Index.asc("conversationId"), Index.desc("createdAt"));
    ShardRouter router =
        firestore.isPresent()
            ? FirestoreShardRouter.builder(firestore.get())
                .collection(messages)
                .deadline(DEADLINE)
                .build()
            : RedisShardRouter.builder(redis).collection(messages).build();
    return new Dashboard(router, redis);
  }

  BatchExecutor<Document> writer() {
    return writer;
  }

  ShardRouter router() {
    return router;
  }

  RateLimiter limiter() {
    return limiter;
  }

  /** All messages at a glance; the heavy query that a cache is for. */
  Overview overview() {
    return Objects.requireNonNull(overviews.get("all", key -> loadOverview()));
  }

  void invalidateOverview() {
    overviews.invalidate("all");
  }

  /** The latest messages of a month, from the cache if it has them. */
  Activity activity(YearMonth month) {
    return Objects.requireNonNull(activities.get(month.toString(), key -> loadActivity(month)));
  }

  /** The same, past the cache. */
  Activity loadActivity(YearMonth month) {
    Page page =
        router.query(
            ShardQuery.from(MESSAGES)
                .where("createdAt", GREATER_OR_EQUAL, start(month))
                .where("createdAt", LESS, start(month.plusMonths(1)))
                .orderBy("createdAt", DESCENDING)
                .limit(RECENT));
    List<Activity.Item> items = page.items().stream().map(Dashboard::item).toList();
    return new Activity(items, page.cost().reads());
  }

  /** Pages through a conversation, the latest message first. */
  void conversation(String conversationId, Consumer<Page> pages) {
    ShardQuery query =
        ShardQuery.from(MESSAGES)
            .where("conversationId", EQUAL, conversationId)
            .orderBy("createdAt", DESCENDING)
            .limit(PAGE);
    walk(query, pages);
  }

  double hitRate() {
    return activities.stats().hitRate();
  }

  static Document document(Message message) {
    return Document.of(
        message.id(),
        Map.of(
            "createdAt", message.createdAt(),
            "userId", message.userId(),
            "conversationId", message.conversationId(),
            "content", message.content()));
  }

  @Override
  public void close() {
    writer.close();
    limiter.close();
    activities.close();
    overviews.close();
    router.close();
  }

  private Overview loadOverview() {
    Map<String, Long> authors = new HashMap<>();
    Map<String, Long> conversations = new HashMap<>();
    long[] totals = new long[2];
    walk(
        ShardQuery.from(MESSAGES).orderBy("createdAt", DESCENDING).limit(PAGE),
        page -> {
          for (Document document : page.items()) {
            authors.merge(text(document, "userId"), 1L, Long::sum);
            conversations.merge(text(document, "conversationId"), 1L, Long::sum);
          }
          totals[0] += page.items().size();
          totals[1] += page.cost().reads();
        });
    return new Overview(totals[0], Ranked.of(authors), Ranked.of(conversations), totals[1]);
  }

  private void walk(ShardQuery query, Consumer<Page> pages) {
    Optional<String> next = Optional.empty();
    do {
      Page page = router.query(next.map(query::after).orElse(query));
      pages.accept(page);
      next = page.next();
    } while (next.isPresent());
  }

  private static Activity.Item item(Document document) {
    return new Activity.Item(
        document.id(),
        text(document, "createdAt"),
        text(document, "userId"),
        text(document, "conversationId"));
  }

  private static String text(Document document, String field) {
    return String.valueOf(document.fields().get(field));
  }

  private static Instant start(YearMonth month) {
    return month.atDay(1).atStartOfDay(ZoneOffset.UTC).toInstant();
  }
}
