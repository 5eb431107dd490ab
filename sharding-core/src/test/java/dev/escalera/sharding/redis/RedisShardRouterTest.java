package dev.escalera.sharding.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.sharding.Document;
import dev.escalera.sharding.DocumentResult;
import dev.escalera.sharding.Partitioning;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardRouterContract;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

@WithRedis
class RedisShardRouterTest extends ShardRouterContract {
  private final RedisClient client;

  RedisShardRouterTest(RedisClient client) {
    this.client = client;
  }

  @Override
  protected ShardRouter create(ShardedCollection... collections) {
    RedisShardRouter.Builder builder = RedisShardRouter.builder(client);
    for (ShardedCollection collection : collections) {
      builder.collection(collection);
    }
    return builder.build();
  }

  @Test
  void more_documents_and_partitions_than_calls_in_flight() {
    ShardedCollection byUser =
        ShardedCollection.named(name).partitionBy(Partitioning.user("userId", "user_{userId}"));
    List<Document> documents = new ArrayList<>();
    for (int i = 0; i < 21_000; i++) {
      documents.add(Document.of("m", Map.of("userId", "u" + i)));
    }
    try (ShardRouter router = create(byUser)) {
      assertThat(router.writeAll(name, documents)).allMatch(DocumentResult::stored);
      assertThat(router.partitions(name))
          .hasSize(21_000)
          .allMatch(partition -> partition.documents() == 1);
    }
  }
}
