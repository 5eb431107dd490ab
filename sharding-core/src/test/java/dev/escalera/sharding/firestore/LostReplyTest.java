package dev.escalera.sharding.firestore;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.Firestore;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.PartitionKey;
import dev.escalera.sharding.Partitioning;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.testkit.FaultProxy;
import dev.escalera.testkit.FirestoreEmulator;
import dev.escalera.testkit.WithFirestore;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A commit is applied, its reply is lost, and Firestore's client sends it again. */
@WithFirestore
class LostReplyTest {
  private static final String NAME = "counters";

  private final Firestore direct;
  private final FaultProxy proxy;
  private final Firestore through;
  private final ShardedCollection collection =
      ShardedCollection.named(NAME).partitionBy(Partitioning.hash(1));
  private final String project = "lost-reply-" + System.nanoTime();

  LostReplyTest(FirestoreEmulator emulator) {
    this.proxy = FaultProxy.to(emulator);
    this.direct = emulator.openClient(project);
    this.through = emulator.openClient(project, proxy);
  }

  @AfterEach
  void close() {
    through.shutdownNow();
    direct.shutdownNow();
    proxy.close();
  }

  private static Document counted(Document document) {
    return Document.of(
        document.id(), Map.of("n", (Long) document.fields().getOrDefault("n", 0L) + 1));
  }

  @Test
  void an_update_is_applied_once() throws Exception {
    try (ShardRouter router = router()) {
      CompletableFuture<?> updated = updateWhoseReplyIsLost(router);
      proxy.heal();
      updated.get(60, TimeUnit.SECONDS);
      assertThat(router.get(NAME, PartitionKey.none(), "c"))
          .contains(Document.of("c", Map.of("n", 2L)));
    }
  }

  @Test
  void an_update_is_applied_once_though_others_go_on() throws Exception {
    try (ShardRouter router = router();
        ShardRouter other = FirestoreShardRouter.builder(direct).collection(collection).build()) {
      CompletableFuture<?> updated = updateWhoseReplyIsLost(router);
      for (int i = 0; i < 5; i++) {
        other.update(NAME, PartitionKey.none(), "c", LostReplyTest::counted);
      }
      proxy.heal();
      updated.get(60, TimeUnit.SECONDS);
      assertThat(other.get(NAME, PartitionKey.none(), "c"))
          .contains(Document.of("c", Map.of("n", 7L)));
    }
  }

  @Test
  void a_move_is_made_once() throws Exception {
    ShardedCollection regions =
        ShardedCollection.named("regions").partitionBy(Partitioning.region("region"));
    try (ShardRouter router =
        FirestoreShardRouter.builder(through)
            .collection(regions)
            .deadline(Duration.ofSeconds(50))
            .build()) {
      router.put("regions", Document.of("m", Map.of("region", "eu", "n", 0L)));
      AtomicInteger calls = new AtomicInteger();
      CompletableFuture<?> moved =
          router
              .updateAsync(
                  "regions",
                  PartitionKey.of("eu"),
                  "m",
                  document -> {
                    // The first call tells where to, what the second gives is sent.
                    if (calls.incrementAndGet() == 2) {
                      proxy.dropReplies();
                    }
                    return Document.of("m", Map.of("region", "us", "n", 1L));
                  })
              .toCompletableFuture();
      awaitCount(1, direct.document("escalera_regions/us#0/regions/m"));
      proxy.heal();
      assertThat(moved.get(60, TimeUnit.SECONDS))
          .isEqualTo(Optional.of(Document.of("m", Map.of("region", "us", "n", 1L))));
      assertThat(calls.get()).isEqualTo(2);
      assertThat(router.findEverywhere("regions", "m")).hasSize(1);
    }
  }

  /** Counts a document to 2; the commit has been applied, and the client waits for its reply. */
  private CompletableFuture<?> updateWhoseReplyIsLost(ShardRouter router) throws Exception {
    router.put(NAME, Document.of("c", Map.of("n", 0L)));
    router.update(NAME, PartitionKey.none(), "c", LostReplyTest::counted);
    CompletableFuture<?> updated =
        router
            .updateAsync(
                NAME,
                PartitionKey.none(),
                "c",
                document -> {
                  proxy.dropReplies();
                  return counted(document);
                })
            .toCompletableFuture();
    awaitCount(2, direct.document("escalera_" + NAME + "/hash_0000#0/" + NAME + "/c"));
    return updated;
  }

  private ShardRouter router() {
    return FirestoreShardRouter.builder(through)
        .collection(collection)
        .deadline(Duration.ofSeconds(50))
        .build();
  }

  private static void awaitCount(long count, DocumentReference document) throws Exception {
    Instant end = Instant.now().plusSeconds(30);
    while (!Long.valueOf(count).equals(document.get().get().getLong("n"))) {
      assertThat(Instant.now()).as("the commit reaches the emulator").isBefore(end);
      Thread.sleep(5);
    }
  }
}
