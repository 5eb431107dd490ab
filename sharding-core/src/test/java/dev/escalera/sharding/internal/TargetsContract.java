package dev.escalera.sharding.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.sharding.Direction;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.DocumentResult;
import dev.escalera.sharding.PartitionKey;
import dev.escalera.sharding.Partitioning;
import dev.escalera.sharding.ShardQuery;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.ShardingException;
import dev.escalera.sharding.internal.BucketStore.Home;
import dev.escalera.sharding.internal.BucketStore.Placed;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What a router holds on two targets, whose catalog and fences others change. */
public abstract class TargetsContract extends StoreContract {
  @Test
  void a_router_with_a_stale_catalog_writes_where_the_bucket_is() throws Exception {
    try (ShardRouter router = router(Duration.ofSeconds(20))) {
      Bucket bucket = moved(router);
      assertThat(contents(bucket)).isEmpty();
      done(destination().put(collection, new Placed(new Home(bucket, 2), row("kept", 1))));
      done(destination().put(collection, new Placed(new Home(bucket, 2), row("gone", 1))));
      List<String> ids = ids(router, bucket, 4);

      router.put(name, Document.of(ids.get(0), Map.of("v", 2L)));
      assertThat(
              router.writeAll(
                  name,
                  List.of(
                      Document.of(ids.get(1), Map.of("v", 3L)),
                      Document.of(ids.get(2), Map.of("v", 4L)))))
          .allMatch(DocumentResult::stored);
      router.update(
          name, PartitionKey.none(), ids.get(1), d -> Document.of(d.id(), Map.of("v", 5L)));
      router.delete(name, PartitionKey.none(), ids.get(2));

      assertThat(contents(destination(), bucket))
          .isEqualTo(new TreeMap<>(Map.of("kept", 1L, "gone", 1L, ids.get(0), 2L, ids.get(1), 5L)));
      CompletableFuture<Boolean> lacks =
          source()
              .get(bucket, ids.get(0))
              .handle((row, failure) -> failure != null || row.isEmpty());
      assertThat(done(lacks)).isTrue();
      assertThat(router.get(name, PartitionKey.none(), ids.get(0))).isPresent();
    }
  }

  @Test
  void a_write_waits_for_a_frozen_fence_and_gives_up_in_time() throws Exception {
    try (ShardRouter router = router(Duration.ofSeconds(20));
        ShardRouter impatient = router(Duration.ofMillis(100))) {
      router.put(name, Document.of("a", Map.of("v", 1L)));
      Bucket bucket = Bucket.parse(name, router.locate(name, Document.of("a", Map.of()))).get();
      BucketStore store = owner(bucket);
      assertThat(done(store.flip(bucket, OPEN, FROZEN))).isTrue();
      assertThatThrownBy(() -> impatient.put(name, Document.of("a", Map.of("v", 2L))))
          .isInstanceOf(ShardingException.class)
          .hasMessageContaining("has the fence FROZEN 1 2 and did not open; nothing was written");
      assertThat(impatient.writeAll(name, List.of(Document.of("a", Map.of("v", 2L)))))
          .noneMatch(DocumentResult::stored);

      CompletableFuture<Void> waiting =
          router.putAsync(name, Document.of("a", Map.of("v", 3L))).toCompletableFuture();
      assertThat(router.get(name, PartitionKey.none(), "a").orElseThrow().fields())
          .containsEntry("v", 1L);
      assertThat(waiting).isNotDone();
      assertThat(done(store.flip(bucket, FROZEN, new Fence(Fence.Mode.OPEN, 1, 3)))).isTrue();
      done(waiting);
      assertThat(router.get(name, PartitionKey.none(), "a").orElseThrow().fields())
          .containsEntry("v", 3L);
    }
  }

  @Test
  void new_buckets_go_to_all_targets_and_pages_come_from_all() throws Exception {
    try (ShardRouter router = router(Duration.ofSeconds(20))) {
      List<Document> documents = new ArrayList<>();
      for (long i = 0; i < 40; i++) {
        documents.add(Document.of("d" + i, Map.of("v", i)));
      }
      assertThat(router.writeAll(name, documents)).allMatch(DocumentResult::stored);
      ShardQuery query = ShardQuery.from(name).orderBy("v", Direction.ASCENDING);
      assertThat(router.query(query).items()).isEqualTo(documents);
      assertThat(router.count(query).documents()).isEqualTo(40);
      Map<String, Long> atSource = new TreeMap<>();
      Map<String, Long> atDestination = new TreeMap<>();
      for (int i = 0; i < 4; i++) {
        Bucket bucket = new Bucket(name, "hash_000" + i, 0);
        atSource.putAll(contents(source(), bucket));
        atDestination.putAll(contents(destination(), bucket));
      }
      assertThat(atSource).hasSizeBetween(5, 35);
      assertThat(atDestination).hasSize(40 - atSource.size());
    }
  }

  /** Whoever entered the bucket may have died before it put the fence. */
  @Test
  void a_bucket_whose_fence_was_never_put_gets_one_by_the_first_write() throws Exception {
    try (ShardRouter router = router(Duration.ofSeconds(20))) {
      for (int i = 0; i < 4; i++) {
        Bucket bucket = new Bucket(name, "hash_000" + i, 0);
        done(catalog().register(List.of(new Entry(bucket, i % 2 == 0 ? "main" : "second", 1, 1))));
      }
      router.put(name, Document.of("a", Map.of("v", 1L)));
      List<Document> documents = new ArrayList<>();
      for (long i = 0; i < 40; i++) {
        documents.add(Document.of("d" + i, Map.of("v", i)));
      }
      assertThat(router.writeAll(name, documents)).allMatch(DocumentResult::stored);
      assertThat(router.count(ShardQuery.from(name)).documents()).isEqualTo(41);
      assertThat(router.stats().collections().values())
          .allSatisfy(stats -> assertThat(stats.bucketsMade()).isZero());
    }
  }

  @Test
  void a_document_does_not_move_from_target_to_target() throws Exception {
    ShardedCollection byRegion =
        ShardedCollection.named(name).partitionBy(Partitioning.region("region"));
    try (ShardRouter router = router(Duration.ofSeconds(20), byRegion)) {
      Document document = Document.of("m", Map.of("region", "r0"));
      router.put(name, document);
      BucketStore home = owner(Bucket.parse(name, "r0#0").orElseThrow());
      Set<Boolean> together = new HashSet<>();
      String region = "r0";
      for (int i = 1; together.size() < 2; i++) {
        String next = "r" + i;
        String before = region;
        Document moved = Document.of("m", Map.of("region", next));
        router.put(name, Document.of("other", Map.of("region", next)));
        boolean same = owner(Bucket.parse(name, next + "#0").orElseThrow()) == home;
        together.add(same);
        if (same) {
          assertThat(router.update(name, PartitionKey.of(before), "m", d -> moved)).contains(moved);
          region = next;
        } else {
          assertThatThrownBy(() -> router.update(name, PartitionKey.of(before), "m", d -> moved))
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessageMatching(
                  "the change would move the document from bucket r\\d+#0 on target \\w+ to bucket"
                      + " r\\d+#0 on target \\w+, which are not written in one step; .*");
        }
        assertThat(router.findEverywhere(name, "m"))
            .containsExactly(Document.of("m", Map.of("region", region)));
      }
    }
  }

  private ShardRouter router(Duration patience) {
    return router(patience, collection);
  }

  private ShardRouter router(Duration patience, ShardedCollection routed) {
    Map<String, BucketStore> stores = new LinkedHashMap<>();
    stores.put("main", source());
    stores.put("second", destination());
    return new Router(
        new Settings(
            "router",
            InstantSource.system(),
            System::nanoTime,
            Duration.ofDays(1),
            Duration.ofSeconds(5),
            patience,
            Optional.empty()),
        List.of(routed),
        new Targets(catalog(), stores));
  }

  private BucketStore owner(Bucket bucket) throws Exception {
    String owner = done(catalog().read(List.of(bucket))).get(0).orElseThrow().owner();
    return owner.equals("main") ? source() : destination();
  }

  /** Moves an empty bucket that the router knows, behind its back, from the source on. */
  private Bucket moved(ShardRouter router) throws Exception {
    for (int i = 0; ; i++) {
      Document document = Document.of("x" + i, Map.of("v", 0L));
      router.put(name, document);
      router.delete(name, PartitionKey.none(), document.id());
      Bucket bucket = Bucket.parse(name, router.locate(name, document)).orElseThrow();
      Entry entry = done(catalog().read(List.of(bucket))).get(0).orElseThrow();
      if (entry.owner().equals("main")) {
        assertThat(done(catalog().change(entry, new Entry(bucket, "second", 2, 2)))).isTrue();
        assertThat(done(source().flip(bucket, OPEN, RETIRED))).isTrue();
        done(destination().raise(bucket, new Fence(Fence.Mode.OPEN, 2, 2)));
        return bucket;
      }
    }
  }

  private List<String> ids(ShardRouter router, Bucket bucket, int count) {
    List<String> ids = new ArrayList<>();
    for (int i = 0; ids.size() < count; i++) {
      if (router.locate(name, Document.of("y" + i, Map.of())).equals(bucket.name())) {
        ids.add("y" + i);
      }
    }
    return ids;
  }
}
