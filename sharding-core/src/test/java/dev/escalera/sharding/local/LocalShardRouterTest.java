package dev.escalera.sharding.local;

import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardRouterContract;
import dev.escalera.sharding.ShardedCollection;

class LocalShardRouterTest extends ShardRouterContract {

  @Override
  protected ShardRouter create(ShardedCollection... collections) {
    LocalShardRouter.Builder builder = LocalShardRouter.builder();
    for (ShardedCollection collection : collections) {
      builder.collection(collection);
    }
    return builder.build();
  }
}
