package dev.escalera.sharding.firestore;

import com.google.cloud.firestore.Firestore;
import dev.escalera.sharding.QueriesContract;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.testkit.WithFirestore;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.InstantSource;

@WithFirestore
class FirestoreQueriesTest extends QueriesContract {
  private final Firestore firestore;

  FirestoreQueriesTest(Firestore firestore) {
    this.firestore = firestore;
  }

  @Override
  protected ShardRouter create(
      InstantSource clock, MeterRegistry registry, ShardedCollection... collections) {
    FirestoreShardRouter.Builder builder =
        FirestoreShardRouter.builder(firestore).clock(clock).meterRegistry(registry);
    for (ShardedCollection collection : collections) {
      builder.collection(collection);
    }
    return builder.build();
  }

  @Override
  protected boolean hasSnapshots() {
    return true;
  }
}
