package dev.escalera.batch.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.BatchLoader;
import dev.escalera.batch.DocumentKey;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

@WithRedis
class RedisBatchLoaderTest {
  private final RedisServer server;
  private final RedisClient client;

  RedisBatchLoaderTest(RedisServer server, RedisClient client) {
    this.server = server;
    this.client = client;
  }

  @Test
  void strings_are_read_together() throws Exception {
    try (StatefulRedisConnection<String, String> redis = client.connect();
        BatchLoader<String, byte[]> loader =
            RedisBatchLoader.builder(client).linger(Duration.ofMillis(200)).build()) {
      redis.sync().set("a\u00e4", "1");
      redis.sync().hset("hash", "f", "v");
      CompletableFuture<Optional<byte[]>> there = loader.load("a\u00e4");
      CompletableFuture<Optional<byte[]>> missing = loader.load("missing");
      CompletableFuture<Optional<byte[]>> hash = loader.load("hash");
      assertThat(there.get(10, TimeUnit.SECONDS).orElseThrow())
          .isEqualTo("1".getBytes(StandardCharsets.UTF_8));
      assertThat(missing.get(10, TimeUnit.SECONDS)).isEmpty();
      assertThat(hash.get(10, TimeUnit.SECONDS)).isEmpty();
      assertThat(loader.stats().calls()).isEqualTo(1);
    }
  }

  @Test
  void documents_are_read_and_one_that_is_none_fails_alone() throws Exception {
    try (BatchExecutor<DocumentWrite> executor = RedisBatchExecutor.builder(client).build();
        StatefulRedisConnection<String, String> redis = client.connect();
        BatchLoader<DocumentKey, Map<String, @Nullable Object>> loader =
            RedisBatchLoader.builder(client).linger(Duration.ofMillis(200)).buildDocuments()) {
      for (int i = 0; i < 50; i++) {
        executor.submit(DocumentWrite.set("docs", "d" + i, Map.of("n", i)));
      }
      assertThat(executor.flush(Duration.ofMinutes(1))).isZero();
      redis.sync().set(RedisBatchExecutor.key("docs", "bad"), "x");
      List<CompletableFuture<Optional<Map<String, @Nullable Object>>>> values =
          IntStream.range(0, 50)
              .mapToObj(i -> loader.load(new DocumentKey("docs", "d" + i)))
              .toList();
      CompletableFuture<Optional<Map<String, @Nullable Object>>> bad =
          loader.load(new DocumentKey("docs", "bad"));
      for (int i = 0; i < 50; i++) {
        assertThat(values.get(i).get(10, TimeUnit.SECONDS)).contains(Map.of("n", (long) i));
      }
      assertThatThrownBy(() -> bad.get(10, TimeUnit.SECONDS))
          .hasCauseInstanceOf(BatchException.class)
          .hasMessageContaining("WRONGTYPE");
      assertThat(loader.get(new DocumentKey("docs", "missing"))).isEmpty();
    }
  }

  @Test
  void a_server_that_does_not_answer_is_a_failure_by_the_deadline() {
    try (BatchLoader<String, byte[]> loader =
        RedisBatchLoader.builder(client).deadline(Duration.ofMillis(200)).build()) {
      assertThat(loader.get("x")).isEmpty();
      server.pause();
      assertThatThrownBy(() -> loader.get("x"))
          .isInstanceOf(BatchException.class)
          .hasMessageContaining("no answer from Redis");
    } finally {
      server.resume();
    }
  }
}
