package dev.escalera.sharding;

import static dev.escalera.sharding.Index.asc;
import static dev.escalera.sharding.Index.desc;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.firestore.Firestore;
import dev.escalera.sharding.firestore.FirestoreShardRouter;
import dev.escalera.sharding.local.LocalShardRouter;
import dev.escalera.sharding.redis.RedisShardRouter;
import dev.escalera.testkit.WithFirestore;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What docs/sharding.md shows. */
@WithRedis
class DocsExamplesTest {
  private final Instant now = Instant.parse("2026-11-24T12:00:00Z");
  private final ShardedCollection messages =
      ShardedCollection.named("messages")
          .partitionBy(Partitioning.date("createdAt", "YYYY_MM"))
          .spread(8)
          .index(asc("userId"), desc("createdAt"));

  @Test
  void local() {
    ShardRouter router = LocalShardRouter.builder().collection(messages).build();
    List<Document> documents = new ArrayList<>();
    for (int i = 0; i < 150; i++) {
      Instant at = now.minus(Duration.ofDays(i));
      documents.add(Document.of("m" + i, Map.of("createdAt", at, "userId", "u1")));
    }
    int printed = 0;

    List<DocumentResult> results = router.writeAll("messages", documents);
    ShardQuery query =
        ShardQuery.from("messages")
            .where("userId", Operator.EQUAL, "u1")
            .where("createdAt", Operator.LESS, now)
            .orderBy("createdAt", Direction.DESCENDING)
            .limit(100);
    Page page = router.query(query);
    while (page.next().isPresent()) {
      printed += page.items().size();
      page = router.query(query.after(page.next().get()));
    }
    printed += page.items().size();
    assertThat(results).hasSize(150).allMatch(DocumentResult::stored);
    assertThat(printed).isEqualTo(149);
    router.close();
  }

  @Test
  void redis(RedisClient redisClient) {
    ShardRouter router =
        RedisShardRouter.builder(redisClient)
            .collection(
                ShardedCollection.named("conversations")
                    .partitionBy(Partitioning.user("userId", "user_{userId}"))
                    .index(asc("updatedAt")))
            .build();

    router.put("conversations", Document.of("c1", Map.of("userId", "u1", "updatedAt", now)));
    router.update("conversations", PartitionKey.of("u1"), "c1", document -> titled(document));
    assertThat(router.get("conversations", PartitionKey.of("u1"), "c1").orElseThrow().fields())
        .containsEntry("title", "Stairs");
    router.close();
  }

  private static Document titled(Document document) {
    Map<String, Object> fields = new HashMap<>(document.fields());
    fields.put("title", "Stairs");
    return Document.of(document.id(), fields);
  }

  @WithFirestore
  @Nested
  class OnFirestore {
    @Test
    void firestore(Firestore firestore) {
      ShardRouter router =
          FirestoreShardRouter.builder(firestore)
              .collection(
                  ShardedCollection.named("messages")
                      .partitionBy(Partitioning.date("createdAt", "YYYY_MM"))
                      .spread(8)
                      .index(asc("userId"), desc("createdAt")))
              .build();

      router.put("messages", Document.of("m1", Map.of("createdAt", now, "userId", "u1")));

      ShardQuery query =
          ShardQuery.from("messages")
              .where("userId", Operator.EQUAL, "u1")
              .orderBy("createdAt", Direction.DESCENDING)
              .limit(100);
      Page page = router.query(query);
      assertThat(router.get("messages", PartitionKey.of(now), "m1")).isPresent();
      router.close();
      assertThat(page.items()).hasSize(1);
    }
  }
}
