package dev.escalera.sharding.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.sharding.Direction;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.DocumentResult;
import dev.escalera.sharding.Index;
import dev.escalera.sharding.PartitionKey;
import dev.escalera.sharding.Partitioning;
import dev.escalera.sharding.ShardQuery;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCredentials;
import io.lettuce.core.RedisCredentialsProvider;
import io.lettuce.core.RedisURI;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;

@WithRedis
class RedisShardRouterTest {
  private final String name = "c" + UUID.randomUUID().toString().replace("-", "");
  private final RedisClient client;

  RedisShardRouterTest(RedisClient client) {
    this.client = client;
  }

  private ShardRouter create(ShardedCollection... collections) {
    RedisShardRouter.Builder builder = RedisShardRouter.builder(client);
    for (ShardedCollection collection : collections) {
      builder.collection(collection);
    }
    return builder.build();
  }

  @Test
  void more_documents_and_users_than_calls_in_flight() {
    ShardedCollection byUser =
        ShardedCollection.named(name).partitionBy(Partitioning.user("userId", "user_{userId}"));
    List<Document> documents = new ArrayList<>();
    for (int i = 0; i < 21_000; i++) {
      documents.add(Document.of("m", Map.of("userId", "u" + i)));
    }
    try (ShardRouter router = create(byUser)) {
      assertThat(router.writeAll(name, documents)).allMatch(DocumentResult::stored);
      // They share the virtual buckets.
      assertThat(router.partitions(name)).hasSizeBetween(1_000, 1_024);
      assertThat(router.count(ShardQuery.from(name)).documents()).isEqualTo(21_000);
    }
  }

  @Test
  void a_user_needs_few_commands_and_the_keys_of_the_router_only() {
    try (RedisServer server = RedisServer.start()) {
      RedisClient admin = RedisClient.create(server.uri());
      String acl =
          "ACL SETUSER router on >secret resetkeys ~escalera:shard:* -@all +hello +evalsha +eval"
              + " +set +get +hget +hset +hsetnx +hdel +hlen +hincrby +hgetall +hscan +zadd +zrem"
              + " +zlexcount +zrangebylex +zrevrangebylex +memory|usage";
      List<String> words = List.of(acl.split(" "));
      CommandArgs<String, String> arguments =
          new CommandArgs<>(StringCodec.UTF8).addValues(words.subList(1, words.size()));
      admin
          .connect()
          .sync()
          .dispatch(CommandType.ACL, new StatusOutput<>(StringCodec.UTF8), arguments);
      RedisURI uri = RedisURI.create(server.uri());
      uri.setCredentialsProvider(
          RedisCredentialsProvider.from(
              () -> RedisCredentials.just("router", "secret".toCharArray())));
      RedisClient user = RedisClient.create(uri);
      ShardedCollection collection = ShardedCollection.named(name).index(Index.asc("v"));
      try (ShardRouter router = RedisShardRouter.builder(user).collection(collection).build()) {
        Document document = Document.of("m", Map.of("v", 1L));
        router.put(name, document);
        router.update(name, PartitionKey.none(), "m", found -> found);
        ShardQuery query = ShardQuery.from(name);
        assertThat(router.query(query.orderBy("v", Direction.ASCENDING)).items())
            .containsExactly(document);
        assertThat(router.query(query.orderBy("v", Direction.DESCENDING)).items())
            .containsExactly(document);
        assertThat(router.partitions(name)).hasSize(1);
        assertThat(router.distribution(name).partitions().get(0).bytes()).isPositive();
        router.delete(name, PartitionKey.none(), "m");
        assertThat(router.get(name, PartitionKey.none(), "m")).isEmpty();
      }
      user.shutdown();
      admin.shutdown();
    }
  }
}
