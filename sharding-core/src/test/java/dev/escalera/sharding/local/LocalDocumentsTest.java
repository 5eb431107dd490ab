package dev.escalera.sharding.local;

import dev.escalera.sharding.DocumentsContract;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardedCollection;
import java.time.InstantSource;

class LocalDocumentsTest extends DocumentsContract {

  @Override
  protected ShardRouter create(InstantSource clock, ShardedCollection... collections) {
    LocalShardRouter.Builder builder = LocalShardRouter.builder().clock(clock);
    for (ShardedCollection collection : collections) {
      builder.collection(collection);
    }
    return builder.build();
  }
}
