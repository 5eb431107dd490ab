package dev.escalera.sharding.firestore;

import static dev.escalera.sharding.Operator.EQUAL;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.firestore.Firestore;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.Index;
import dev.escalera.sharding.Partitioning;
import dev.escalera.sharding.ShardQuery;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.testkit.WithFirestore;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;

@WithFirestore
class FirestoreShardRouterTest {
  private final String name = "c" + UUID.randomUUID().toString().replace("-", "");
  private final Firestore firestore;

  FirestoreShardRouterTest(Firestore firestore) {
    this.firestore = firestore;
  }

  private ShardRouter create(ShardedCollection... collections) {
    FirestoreShardRouter.Builder builder = FirestoreShardRouter.builder(firestore);
    for (ShardedCollection collection : collections) {
      builder.collection(collection);
    }
    return builder.build();
  }

  @Test
  void documents_beside_the_buckets_are_no_buckets() throws Exception {
    // The secret of the cursors lies in escalera_router.
    ShardedCollection collection = ShardedCollection.named("router");
    firestore.document("escalera_router/by#hand").set(Map.of()).get();
    try (ShardRouter router = create(collection)) {
      router.put("router", Document.of("m", Map.of()));
      assertThat(router.query(ShardQuery.from("router")).items())
          .containsExactly(Document.of("m", Map.of()));
      assertThat(router.partitions("router")).hasSize(1);
    }
  }

  @Test
  void a_bucket_that_another_router_made_is_found_by_a_query_that_names_it() {
    ShardedCollection byUser =
        ShardedCollection.named(name)
            .partitionBy(Partitioning.user("userId", "user_{userId}"))
            .index(Index.asc("userId"));
    Document document = Document.of("m", Map.of("userId", "u1"));
    try (ShardRouter one = create(byUser);
        ShardRouter other = create(byUser)) {
      assertThat(other.query(ShardQuery.from(name)).items()).isEmpty();
      one.put(name, document);
      assertThat(other.query(ShardQuery.from(name).where("userId", EQUAL, "u1")).items())
          .containsExactly(document);
    }
  }
}
