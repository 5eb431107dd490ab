package dev.escalera.sharding.redis;

import dev.escalera.sharding.DocumentsContract;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.InstantSource;

@WithRedis
class RedisDocumentsTest extends DocumentsContract {
  private final RedisClient client;

  RedisDocumentsTest(RedisClient client) {
    this.client = client;
  }

  @Override
  protected ShardRouter create(
      InstantSource clock, MeterRegistry registry, ShardedCollection... collections) {
    RedisShardRouter.Builder builder =
        RedisShardRouter.builder(client).clock(clock).meterRegistry(registry);
    for (ShardedCollection collection : collections) {
      builder.collection(collection);
    }
    return builder.build();
  }
}
