package dev.escalera.batch.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.BatchExecutorContract;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.WriteResult;
import dev.escalera.batch.WriteStatus;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

@WithRedis
class RedisBatchExecutorTest extends BatchExecutorContract {
  private final RedisServer server;
  private final RedisClient client;

  RedisBatchExecutorTest(RedisServer server, RedisClient client) {
    this.server = server;
    this.client = client;
  }

  @Override
  protected BatchExecutor<DocumentWrite> create() {
    return RedisBatchExecutor.builder(client).build();
  }

  @Override
  protected Optional<Map<String, @Nullable Object>> read(String id) {
    try (StatefulRedisConnection<String, String> redis = client.connect()) {
      Map<String, String> hash = redis.sync().hgetall(RedisBatchExecutor.key(collection, id));
      return hash.isEmpty() ? Optional.empty() : Optional.of(RedisBatchExecutor.decode(hash));
    }
  }

  @Test
  void a_lost_answer_is_unknown_for_what_must_not_be_repeated_and_the_next_write_comes_after_it()
      throws Exception {
    try (BatchExecutor<DocumentWrite> executor =
        RedisBatchExecutor.builder(client)
            .deadline(Duration.ofMillis(300))
            .backoff(Duration.ofMillis(10), Duration.ofMillis(200))
            .maxRetries(20)
            .unknownHold(Duration.ofMillis(500))
            .build()) {
      assertThat(
              settled(executor.submit(DocumentWrite.set(collection, "warm", Map.of()))).applied())
          .isTrue();

      server.pause();
      CompletionStage<WriteResult> increment =
          executor.submit(DocumentWrite.increment(collection, "n", "n", 1));
      CompletionStage<WriteResult> next =
          executor.submit(DocumentWrite.set(collection, "n", Map.of("n", 100)));
      CompletionStage<WriteResult> set =
          executor.submit(DocumentWrite.set(collection, "s", Map.of("n", 1)));
      WriteResult lost = settled(increment);
      server.resume();

      assertThat(lost.status()).isEqualTo(WriteStatus.UNKNOWN);
      assertThat(lost.attempts()).isEqualTo(1);
      assertThat(settled(next).applied()).isTrue();
      assertThat(settled(set).applied()).isTrue();
      assertThat(settled(set).attempts()).isGreaterThan(1);
      assertThat(read("n")).contains(Map.of("n", 100L));
    }
  }

  @Test
  void a_flushed_script_is_no_fault() throws Exception {
    try (BatchExecutor<DocumentWrite> executor = create();
        StatefulRedisConnection<String, String> redis = client.connect()) {
      for (int i = 0; i < 10; i++) {
        redis.sync().scriptFlush();
        assertThat(
                settled(executor.submit(DocumentWrite.set(collection, "a", Map.of("n", i))))
                    .attempts())
            .isEqualTo(1);
      }
    }
  }

  @Test
  void a_count_of_what_is_no_number_is_refused_and_changes_nothing() throws Exception {
    try (BatchExecutor<DocumentWrite> executor = create()) {
      settled(executor.submit(DocumentWrite.set(collection, "a", Map.of("s", "x"))));
      assertThat(
              settled(executor.submit(DocumentWrite.increment(collection, "a", "s", 1))).status())
          .isEqualTo(WriteStatus.FAILED);
      assertThat(read("a")).contains(Map.of("s", "x"));
    }
  }

  private static WriteResult settled(CompletionStage<WriteResult> result) throws Exception {
    return result.toCompletableFuture().get(60, TimeUnit.SECONDS);
  }
}
