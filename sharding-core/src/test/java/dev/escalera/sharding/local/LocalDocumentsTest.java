package dev.escalera.sharding.local;

import dev.escalera.sharding.DocumentsContract;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardedCollection;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.InstantSource;

class LocalDocumentsTest extends DocumentsContract {

  @Override
  protected ShardRouter create(
      InstantSource clock, MeterRegistry registry, ShardedCollection... collections) {
    LocalShardRouter.Builder builder =
        LocalShardRouter.builder().clock(clock).meterRegistry(registry);
    for (ShardedCollection collection : collections) {
      builder.collection(collection);
    }
    return builder.build();
  }
}
