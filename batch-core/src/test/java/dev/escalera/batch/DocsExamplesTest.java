package dev.escalera.batch;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.firestore.Firestore;
import dev.escalera.batch.firestore.FirestoreBatchExecutor;
import dev.escalera.batch.local.LocalBatchExecutor;
import dev.escalera.batch.redis.RedisBatchExecutor;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithFirestore;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.AclSetuserArgs;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.protocol.CommandKeyword;
import io.lettuce.core.protocol.CommandType;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The blocks of docs/batch.md, line for line. */
@WithRedis
class DocsExamplesTest {
  private final RedisServer server;
  private final RedisClient client;

  DocsExamplesTest(RedisServer server, RedisClient client) {
    this.server = server;
    this.client = client;
  }

  @Test
  void the_first_example_applies_everything() {
    Iterator<DocumentWrite> writes =
        IntStream.range(0, 1_000)
            .mapToObj(i -> DocumentWrite.merge("messages", "m" + i, Map.of("status", "read")))
            .iterator();

    BatchExecutor<DocumentWrite> executor = RedisBatchExecutor.builder(client).build();

    CompletionStage<WriteResult> result =
        executor.submit(DocumentWrite.set("messages", "m1", Map.of("text", "hello", "likes", 0)));
    executor.submit(DocumentWrite.increment("messages", "m1", "likes", 1));

    BatchRun run = executor.execute(writes, RunOptions.named("mark-read").total(1_000));
    run.onProgress(Duration.ofSeconds(1), new ConsoleProgress(System.out, false));
    BatchReport report = run.join();
    report.failures().forEach(failure -> System.out.println(failure));

    executor.close();

    assertThat(result.toCompletableFuture().join().applied()).isTrue();
    assertThat(report.allApplied()).isTrue();
    readBack();
  }

  private void readBack() {
    try (StatefulRedisConnection<String, String> redis = client.connect()) {
      Map<String, String> hash = redis.sync().hgetall(RedisBatchExecutor.key("messages", "m1"));
      Map<String, @Nullable Object> fields = RedisBatchExecutor.decode(hash);

      assertThat(fields).isEqualTo(Map.of("text", "hello", "likes", 1L, "status", "read"));
      assertThat(redis.sync().hgetall("escalera:doc:{messages:m1}"))
          .isEqualTo(Map.of("", "", "text", "shello", "likes", "1", "status", "sread"));
    }
  }

  @Test
  void the_local_executor_calls_the_function() {
    List<String> rows = Collections.synchronizedList(new ArrayList<>());
    BatchExecutor<String> executor =
        LocalBatchExecutor.builder(
                (List<String> batch) -> batch.stream().map(rows::add).toList(),
                added -> added ? Optional.empty() : Optional.of(new BatchException("full", null)))
            .keyedBy(row -> row)
            .build();

    executor.submit("a row");
    int unsettled = executor.flush(Duration.ofSeconds(30));

    assertThat(unsettled).isZero();
    assertThat(rows).containsExactly("a row");
    executor.close();
  }

  @Test
  void the_rights_of_the_page_suffice() {
    AclSetuserArgs rights =
        AclSetuserArgs.Builder.reset()
            .on()
            .addPassword("secret")
            .keyPattern("escalera:doc:*")
            .keyPattern("escalera:once:*")
            .addCommand(CommandType.EVALSHA)
            .addCommand(CommandType.SCRIPT, CommandKeyword.LOAD)
            .addCommand(CommandType.DEL)
            .addCommand(CommandType.EXISTS)
            .addCommand(CommandType.TYPE)
            .addCommand(CommandType.TIME)
            .addCommand(CommandType.SET)
            .addCommand(CommandType.HGET)
            .addCommand(CommandType.HSET)
            .addCommand(CommandType.HDEL)
            .addCommand(CommandType.HINCRBY);
    RedisURI uri =
        RedisURI.builder()
            .withHost(server.host())
            .withPort(server.port())
            .withAuthentication("writer", "secret")
            .build();
    RedisClient user = RedisClient.create(uri);
    try (StatefulRedisConnection<String, String> redis = client.connect();
        BatchExecutor<DocumentWrite> executor = RedisBatchExecutor.builder(user).build()) {
      redis.sync().aclSetuser("writer", rights);
      redis.sync().scriptFlush();

      List<DocumentWrite> writes =
          List.of(
              DocumentWrite.create("rights", "a", Map.of("n", 1)),
              DocumentWrite.set("rights", "a", Map.of("n", 2)),
              DocumentWrite.merge("rights", "a", Map.of("m", 3)),
              DocumentWrite.update("rights", "a", Map.of("m", 4)),
              DocumentWrite.increment("rights", "a", "n", 5),
              DocumentWrite.increment("rights", "a", "n", 5).withKey("k"),
              DocumentWrite.merge(
                  "rights",
                  "a",
                  Map.of(
                      "at", Transform.serverTimestamp(),
                      "l", Transform.arrayUnion(1),
                      "m", Transform.deleteField())),
              DocumentWrite.delete("rights", "a"));
      BatchReport report = executor.execute(writes.iterator(), RunOptions.named("rights")).join();

      assertThat(report.failures()).isEmpty();
      assertThat(report.progress().applied()).isEqualTo(8);
    } finally {
      user.shutdown();
    }
  }

  @Nested
  @WithFirestore
  class OnFirestore {
    @Test
    void the_options_build(Firestore firestore) {
      BatchExecutor<DocumentWrite> executor =
          FirestoreBatchExecutor.builder(firestore)
              .maxConcurrentBatches(4)
              .maxRetries(5)
              .backoff(Duration.ofMillis(500), Duration.ofSeconds(10))
              .build();

      CompletionStage<WriteResult> result =
          executor.submit(DocumentWrite.create("messages", "m1", Map.of("text", "hello")));
      int given = executor.close(Duration.ofSeconds(30));

      assertThat(result.toCompletableFuture().join().applied()).isTrue();
      assertThat(given).isZero();
    }
  }
}
