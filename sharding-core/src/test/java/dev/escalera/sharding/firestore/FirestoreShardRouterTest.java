package dev.escalera.sharding.firestore;

import com.google.cloud.firestore.Firestore;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardRouterContract;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.testkit.WithFirestore;

@WithFirestore
class FirestoreShardRouterTest extends ShardRouterContract {
  private final Firestore firestore;

  FirestoreShardRouterTest(Firestore firestore) {
    this.firestore = firestore;
  }

  @Override
  protected ShardRouter create(ShardedCollection... collections) {
    FirestoreShardRouter.Builder builder = FirestoreShardRouter.builder(firestore);
    for (ShardedCollection collection : collections) {
      builder.collection(collection);
    }
    return builder.build();
  }
}
