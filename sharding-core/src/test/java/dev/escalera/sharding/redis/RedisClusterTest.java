package dev.escalera.sharding.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.sharding.Direction;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.DocumentResult;
import dev.escalera.sharding.Index;
import dev.escalera.sharding.PartitionKey;
import dev.escalera.sharding.Partitioning;
import dev.escalera.sharding.ShardQuery;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.ShardingException;
import dev.escalera.sharding.internal.Bucket;
import dev.escalera.testkit.RedisCluster;
import dev.escalera.testkit.RedisServer;
import io.lettuce.core.RedisURI;
import io.lettuce.core.cluster.RedisClusterClient;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Buckets over the servers of a cluster, slots that move, a primary that dies. */
@SuppressWarnings("NullAway.Init") // Set before all tests.
class RedisClusterTest {
  private static RedisCluster cluster;
  private static RedisClusterClient client;

  @BeforeAll
  static void start() {
    cluster = RedisCluster.start();
    client = RedisClusterClient.create(cluster.uris().stream().map(RedisURI::create).toList());
  }

  @AfterAll
  static void stop() {
    client.shutdown();
    cluster.close();
  }

  private static ShardRouter router(String name) {
    return RedisShardRouter.builder(client)
        .collection(
            ShardedCollection.named(name).partitionBy(Partitioning.hash(16)).index(Index.asc("v")))
        .deadline(Duration.ofSeconds(20))
        .build();
  }

  @Test
  void pages_are_merged_over_the_servers_while_slots_move() throws Exception {
    try (ShardRouter router = router("moving")) {
      List<Document> all = new ArrayList<>();
      for (long i = 0; i < 400; i++) {
        all.add(Document.of("d" + i, Map.of("v", i)));
      }
      assertThat(router.writeAll("moving", all)).allMatch(DocumentResult::stored);
      ShardQuery query = ShardQuery.from("moving").orderBy("v", Direction.ASCENDING).limit(50);
      AtomicBoolean moved = new AtomicBoolean();
      CompletableFuture<Void> mover =
          CompletableFuture.runAsync(
              () -> {
                for (int i = 0; i < 4; i++) {
                  Bucket bucket = new Bucket("moving", "hash_000" + i, 0);
                  int slot = cluster.slotOf(RedisBuckets.key(bucket));
                  RedisServer from = cluster.primaryOf(slot);
                  RedisServer to =
                      cluster.primaries().stream()
                          .filter(server -> server.port() != from.port())
                          .findFirst()
                          .orElseThrow();
                  cluster.moveSlot(slot, to);
                }
                moved.set(true);
              });
      long counted = 0;
      for (int i = 0; !moved.get() || i < 20; i++) {
        Document document = all.get(i % all.size());
        router.update("moving", PartitionKey.none(), document.id(), RedisClusterTest::counted);
        counted++;
      }
      mover.get(60, TimeUnit.SECONDS);
      List<Document> found = new ArrayList<>();
      router.iterate(query).forEachRemaining(found::add);
      assertThat(found.stream().map(Document::id).toList())
          .isEqualTo(all.stream().map(Document::id).toList());
      assertThat(found.stream().mapToLong(d -> (Long) d.fields().getOrDefault("n", 0L)).sum())
          .isEqualTo(counted);
    }
  }

  @Test
  void a_document_moves_within_a_slot_and_not_to_another() {
    ShardedCollection byUser =
        ShardedCollection.named("moves").partitionBy(Partitioning.user("u", "{u}", 16));
    try (ShardRouter router =
        RedisShardRouter.builder(client)
            .collection(byUser)
            .deadline(Duration.ofSeconds(20))
            .build()) {
      Document document = Document.of("m", Map.of("u", "u0"));
      router.put("moves", document);
      String home = router.locate("moves", document);
      String user = "u0";
      int refused = 0;
      for (int i = 1; refused == 0 || user.equals("u0"); i++) {
        Document next = Document.of("m", Map.of("u", "u" + i));
        String from = user;
        if (router.locate("moves", next).equals(home)) {
          assertThat(router.update("moves", PartitionKey.of(from), "m", d -> next)).contains(next);
          user = "u" + i;
        } else {
          refused++;
          assertThatThrownBy(() -> router.update("moves", PartitionKey.of(from), "m", d -> next))
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessageContaining("which are not written in one step");
        }
        assertThat(router.findEverywhere("moves", "m"))
            .containsExactly(Document.of("m", Map.of("u", user)));
      }
    }
  }

  private static Document counted(Document document) {
    long n = (Long) document.fields().getOrDefault("n", 0L);
    return Document.of(
        document.id(), Map.of("v", document.fields().getOrDefault("v", -1L), "n", n + 1));
  }

  @Test
  void a_primary_that_dies_is_followed_by_its_replica() throws Exception {
    try (ShardRouter router = router("dying")) {
      Document document = Document.of("d", Map.of("v", 1L));
      router.put("dying", document);
      Bucket bucket = Bucket.parse("dying", router.locate("dying", document)).orElseThrow();
      int slot = cluster.slotOf(RedisBuckets.key(bucket));
      cluster.kill(cluster.primaryOf(slot));
      Instant end = Instant.now().plusSeconds(40);
      boolean stored = false;
      while (!stored) {
        assertThat(Instant.now()).as("a replica takes over").isBefore(end);
        try {
          router.put("dying", document);
          stored = true;
        } catch (ShardingException e) {
          // Whoever was asked last may have died with it.
          TimeUnit.MILLISECONDS.sleep(50);
        }
      }
      assertThat(router.get("dying", PartitionKey.none(), "d")).contains(document);
    }
  }
}
