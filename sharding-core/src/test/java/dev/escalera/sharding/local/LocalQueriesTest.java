package dev.escalera.sharding.local;

import dev.escalera.sharding.QueriesContract;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardedCollection;
import java.time.InstantSource;

class LocalQueriesTest extends QueriesContract {

  @Override
  protected ShardRouter create(InstantSource clock, ShardedCollection... collections) {
    LocalShardRouter.Builder builder = LocalShardRouter.builder().clock(clock);
    for (ShardedCollection collection : collections) {
      builder.collection(collection);
    }
    return builder.build();
  }

  @Override
  protected boolean hasSnapshots() {
    return true;
  }

  @Override
  protected boolean isShared() {
    return false;
  }
}
