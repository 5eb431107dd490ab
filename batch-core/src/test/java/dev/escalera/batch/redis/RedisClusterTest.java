package dev.escalera.batch.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.BatchReport;
import dev.escalera.batch.BatchRun;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.RunOptions;
import dev.escalera.batch.WriteResult;
import dev.escalera.batch.WriteStatus;
import dev.escalera.testkit.RedisCluster;
import dev.escalera.testkit.RedisServer;
import io.lettuce.core.RedisURI;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.SlotHash;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
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

  @Test
  void keys_that_have_gone_ahead_of_their_slot_are_written_where_they_are_at_once()
      throws Exception {
    int slot = SlotHash.getSlot("{ahead}");
    RedisServer source = cluster.primaryOf(slot);
    RedisServer target = another(source);
    try (BatchExecutor<RedisWrite> executor = builder().maxRetries(0).buildNative();
        StatefulRedisClusterConnection<String, String> redis = client.connect()) {
      settled(executor.submit(RedisWrite.set("{ahead}gone", "1")));
      settled(executor.submit(RedisWrite.set("{ahead}here", "1")));
      beginMove(slot, source, target);
      migrate(source, target, "{ahead}gone");
      try {
        List<CompletionStage<WriteResult>> results = new ArrayList<>();
        for (String key : List.of("{ahead}gone", "{ahead}here", "{ahead}new")) {
          results.add(executor.submit(RedisWrite.command("APPEND", key, "2")));
        }
        for (CompletionStage<WriteResult> result : results) {
          assertThat(settled(result).cause()).isEmpty();
          assertThat(settled(result).attempts()).isEqualTo(1);
        }
      } finally {
        cluster.moveSlot(slot, target);
      }
      // The first thing that it is told is MOVED.
      WriteResult moved =
          settled(executor.submit(RedisWrite.command("APPEND", "{ahead}gone", "3")));
      assertThat(moved.status()).isEqualTo(WriteStatus.APPLIED);
      assertThat(moved.attempts()).isEqualTo(1);
      assertThat(redis.sync().get("{ahead}gone")).isEqualTo("123");
      assertThat(redis.sync().get("{ahead}here")).isEqualTo("12");
      assertThat(redis.sync().get("{ahead}new")).isEqualTo("2");
    }
  }

  @Test
  void what_has_a_key_waits_until_its_slot_has_moved_and_counts_once() throws Exception {
    // Redis runs nothing on two keys of which one has gone ahead.
    int slot = SlotHash.getSlot("{wait}");
    RedisServer source = cluster.primaryOf(slot);
    RedisServer target = another(source);
    try (BatchExecutor<RedisWrite> executor = builder().buildNative();
        StatefulRedisClusterConnection<String, String> redis = client.connect()) {
      settled(executor.submit(RedisWrite.set("{wait}n", "1")));
      beginMove(slot, source, target);
      migrate(source, target, "{wait}n");
      CompletionStage<WriteResult> keyed =
          executor.submit(RedisWrite.increment("{wait}n", 1).withKey("once"));
      await(() -> executor.stats().retries() > 0);
      cluster.moveSlot(slot, target);
      assertThat(settled(keyed).status()).isEqualTo(WriteStatus.APPLIED);
      assertThat(settled(keyed).attempts()).isGreaterThan(1);
      assertThat(redis.sync().get("{wait}n")).isEqualTo("2");
    }
  }

  @Test
  void a_failover_in_order_loses_nothing_and_counts_nothing_twice() throws Exception {
    try (BatchExecutor<DocumentWrite> executor = builder().build();
        StatefulRedisClusterConnection<String, String> redis = client.connect()) {
      BatchRun run =
          executor.execute(
              IntStream.range(0, 10_000)
                  .mapToObj(
                      i -> DocumentWrite.increment("f", "d" + i % 200, "n", 1).withKey("k" + i))
                  .iterator(),
              RunOptions.named("failover"));
      await(() -> run.progress().applied() >= 1_000);
      cluster.failover(cluster.primaries().get(0));
      BatchReport report = run.join();
      assertThat(report.failures()).isEmpty();
      for (int i = 0; i < 200; i++) {
        assertThat(redis.sync().hget(RedisBatchExecutor.key("f", "d" + i), "n")).isEqualTo("50");
      }
    }
  }

  @Test
  void what_a_dead_server_had_holds_up_its_documents_only_until_another_has_its_slots()
      throws Exception {
    int slot = SlotHash.getSlot(RedisBatchExecutor.key("c", "orphan"));
    RedisServer dying = cluster.primaryOf(slot);
    try (BatchExecutor<DocumentWrite> executor =
            builder().unknownHold(Duration.ofHours(1)).build();
        StatefulRedisClusterConnection<String, String> redis = client.connect()) {
      settled(executor.submit(DocumentWrite.set("c", "orphan", Map.of("n", 1))));
      dying.pause();
      CompletionStage<WriteResult> lost =
          executor.submit(DocumentWrite.increment("c", "orphan", "n", 1));
      CompletionStage<WriteResult> next =
          executor.submit(DocumentWrite.set("c", "orphan", Map.of("n", 100)));
      assertThat(settled(lost).status()).isEqualTo(WriteStatus.UNKNOWN);
      assertThat(executor.flush(Duration.ofMillis(100))).isEqualTo(1);
      cluster.kill(dying);
      assertThat(settled(next).status()).isEqualTo(WriteStatus.APPLIED);
      assertThat(redis.sync().hget(RedisBatchExecutor.key("c", "orphan"), "n")).isEqualTo("100");
    } finally {
      dying.restart();
      cluster.awaitOk();
    }
  }

  private static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + Duration.ofMinutes(1).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).isLessThan(deadline);
      LockSupport.parkNanos(1_000_000);
    }
  }

  private static RedisServer another(RedisServer server) {
    return cluster.primaries().stream()
        .filter(other -> other.port() != server.port())
        .findFirst()
        .orElseThrow();
  }

  private static void beginMove(int slot, RedisServer source, RedisServer target) {
    String number = String.valueOf(slot);
    target.command("CLUSTER", "SETSLOT", number, "IMPORTING", id(source));
    source.command("CLUSTER", "SETSLOT", number, "MIGRATING", id(target));
  }

  private static String id(RedisServer server) {
    return String.valueOf(server.command("CLUSTER", "MYID"));
  }

  private static void migrate(RedisServer source, RedisServer target, String key) {
    source.command("MIGRATE", target.host(), String.valueOf(target.port()), key, "0", "5000");
  }

  private static void move(int slot) {
    cluster.moveSlot(slot, another(cluster.primaryOf(slot)));
  }

  private static WriteResult settled(CompletionStage<WriteResult> result) throws Exception {
    return result.toCompletableFuture().get(60, TimeUnit.SECONDS);
  }
}
