package dev.escalera.sharding.redis;

import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardRouterContract;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;

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
}
