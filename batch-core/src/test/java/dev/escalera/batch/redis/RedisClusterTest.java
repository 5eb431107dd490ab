package dev.escalera.batch.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.BatchReport;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.RunOptions;
import dev.escalera.batch.WriteResult;
import dev.escalera.batch.WriteStatus;
import dev.escalera.testkit.RedisCluster;
import io.lettuce.core.RedisURI;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.SlotHash;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A cluster of three: calls by slot, slots that move, a primary that dies. */
@SuppressWarnings("NullAway.Init") // Set before all tests.
class RedisClusterTest {
  private static RedisCluster cluster;
  private static RedisClusterClient client;

  @BeforeAll
  static void start() {
    cluster = RedisCluster.start();
    client =
        RedisClusterClient.create(
            cluster.uris().stream().map(uri -> RedisURI.create(uri)).toList());
  }

  @AfterAll
  static void stop() {
    client.shutdown();
    cluster.close();
  }

  private static RedisBatchExecutor.Builder builder() {
    return RedisBatchExecutor.builder(client)
        .deadline(Duration.ofSeconds(1))
        .backoff(Duration.ofMillis(50), Duration.ofMillis(500))
        .maxRetries(50);
  }

  @Test
  void batches_are_spread_over_the_servers() throws Exception {
    try (BatchExecutor<DocumentWrite> executor = builder().build();
        StatefulRedisClusterConnection<String, String> redis = client.connect()) {
      BatchReport report =
          executor
              .execute(
                  IntStream.range(0, 3_000)
                      .mapToObj(
                          i ->
                              DocumentWrite.increment("c", "d" + i % 1_000, "n", 1)
                                  .withKey("k" + i))
                      .iterator(),
                  RunOptions.named("spread"))
              .join();
      assertThat(report.failures()).isEmpty();
      for (int i = 0; i < 1_000; i++) {
        assertThat(redis.sync().hget(RedisBatchExecutor.key("c", "d" + i), "n")).isEqualTo("3");
      }
    }
    try (BatchExecutor<RedisWrite> executor = builder().buildNative();
        StatefulRedisClusterConnection<String, String> redis = client.connect()) {
      List<CompletionStage<WriteResult>> results =
          IntStream.range(0, 500)
              .mapToObj(i -> executor.submit(RedisWrite.set("native" + i, "v" + i)))
              .toList();
      WriteResult counted =
          settled(executor.submit(RedisWrite.increment("counter", 1).withKey("k")));
      assertThat(counted.status()).isEqualTo(WriteStatus.APPLIED);
      for (int i = 0; i < 500; i++) {
        assertThat(settled(results.get(i)).applied()).isTrue();
        assertThat(redis.sync().get("native" + i)).isEqualTo("v" + i);
      }
    }
  }

  @Test
  void a_group_must_be_of_one_slot() throws Exception {
    try (BatchExecutor<DocumentWrite> executor = builder().build()) {
      List<WriteResult> results =
          executor
              .submitAtomic(
                  List.of(
                      DocumentWrite.set("c", "one", Map.of()),
                      DocumentWrite.set("c", "other", Map.of())))
              .toCompletableFuture()
              .get(10, TimeUnit.SECONDS);
      assertThat(results).extracting(WriteResult::status).containsOnly(WriteStatus.FAILED);
      assertThat(results.get(0).cause().orElseThrow()).hasMessageContaining("2 slots");
      assertThat(results.get(0).attempts()).isZero();
    }
  }

  @Test
  void a_slot_that_moves_is_followed_and_nothing_is_lost_or_counted_twice() throws Exception {
    String document = RedisBatchExecutor.key("c", "moving");
    int slot = SlotHash.getSlot(document);
    try (BatchExecutor<DocumentWrite> executor = builder().build();
        StatefulRedisClusterConnection<String, String> redis = client.connect()) {
      for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20; i++) {
          executor.submit(DocumentWrite.increment("c", "moving", "n", 1));
        }
        move(slot);
        CompletionStage<WriteResult> last =
            executor.submit(DocumentWrite.increment("c", "moving", "n", 1));
        assertThat(executor.flush(Duration.ofMinutes(1))).isZero();
        assertThat(settled(last).status()).isEqualTo(WriteStatus.APPLIED);
        assertThat(redis.sync().hget(document, "n")).isEqualTo(String.valueOf(21 * (round + 1)));
      }
    }
  }

  private static void move(int slot) {
    int owner = cluster.primaryOf(slot).port();
    cluster.moveSlot(
        slot,
        cluster.primaries().stream()
            .filter(node -> node.port() != owner)
            .findFirst()
            .orElseThrow());
  }

  private static WriteResult settled(CompletionStage<WriteResult> result) throws Exception {
    return result.toCompletableFuture().get(60, TimeUnit.SECONDS);
  }
}
