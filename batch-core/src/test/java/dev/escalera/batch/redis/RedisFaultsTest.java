package dev.escalera.batch.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.Transform;
import dev.escalera.batch.WriteResult;
import dev.escalera.batch.WriteStatus;
import dev.escalera.testkit.FaultProxy;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.AclSetuserArgs;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.protocol.CommandType;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Lost answers, late requests, and scripts that must do all or nothing. */
@WithRedis
class RedisFaultsTest {
  private static final Duration LONG = Duration.ofMinutes(1);

  private final RedisServer server;
  private final StatefulRedisConnection<String, String> direct;
  private final FaultProxy proxy;
  private final RedisClient through;
  private final String collection = "c" + UUID.randomUUID();

  RedisFaultsTest(RedisServer server, RedisClient client) {
    this.server = server;
    this.direct = client.connect();
    this.proxy = FaultProxy.to(server);
    this.through = RedisClient.create(proxy.redisUri());
  }

  @AfterEach
  void close() {
    proxy.heal();
    through.shutdown();
    proxy.close();
    direct.close();
  }

  private static RedisBatchExecutor.Builder builder(RedisClient client) {
    return RedisBatchExecutor.builder(client)
        .deadline(Duration.ofMillis(300))
        .backoff(Duration.ofMillis(10), Duration.ofMillis(200))
        .unknownHold(Duration.ofHours(1));
  }

  @Test
  void with_a_key_a_lost_answer_is_found_out_and_counted_once() throws Exception {
    try (BatchExecutor<DocumentWrite> executor = builder(through).maxRetries(50).build()) {
      warm(executor);
      proxy.dropReplies();
      List<CompletionStage<WriteResult>> keyed = new ArrayList<>();
      for (int i = 0; i < 50; i++) {
        keyed.add(
            executor.submit(
                DocumentWrite.increment(collection, "n" + i, "n", 1).withKey("event " + i)));
      }
      CompletionStage<WriteResult> bare =
          executor.submit(DocumentWrite.increment(collection, "bare", "n", 1));
      assertThat(settled(bare).status()).isEqualTo(WriteStatus.UNKNOWN);
      proxy.heal();
      for (CompletionStage<WriteResult> result : keyed) {
        assertThat(settled(result).status()).isEqualTo(WriteStatus.ALREADY_APPLIED);
      }
      for (int i = 0; i < 50; i++) {
        assertThat(fields("n" + i)).isEqualTo(Map.of("n", 1L));
      }
      assertThat(fields("bare")).isEqualTo(Map.of("n", 1L));
      String marker = "escalera:once:{" + collection + ":n0}:event%200";
      assertThat(redis().pttl(marker)).isBetween(1L, Duration.ofHours(24).toMillis());
    }
  }

  @Test
  void the_next_write_waits_until_the_connection_of_a_lost_one_is_killed_and_no_longer()
      throws Exception {
    for (int round = 0; round < 5; round++) {
      try (BatchExecutor<DocumentWrite> executor = builder(through).maxRetries(0).build()) {
        warm(executor);
        // Requests stand still in between, and reach Redis when their sender has given up.
        proxy.freeze(FaultProxy.Direction.REQUESTS);
        CompletionStage<WriteResult> first =
            executor.submit(DocumentWrite.set(collection, "a", Map.of("first", round)));
        CompletionStage<WriteResult> second =
            executor.submit(DocumentWrite.set(collection, "a", Map.of("second", round)));
        assertThat(settled(first).status()).isEqualTo(WriteStatus.UNKNOWN);
        assertThat(executor.flush(Duration.ofMillis(100))).isEqualTo(1);
        proxy.heal();
        // Long before the hold of an hour is over.
        assertThat(settled(second).status()).isEqualTo(WriteStatus.APPLIED);
        assertThat(fields("a")).isEqualTo(Map.of("second", (long) round));
      }
      // Nothing comes late: the held bytes are with a connection that is gone.
      assertThat(fields("a")).isEqualTo(Map.of("second", (long) round));
    }
  }

  @Test
  void a_server_that_stood_still_executes_nothing_late_after_a_later_write() throws Exception {
    try (BatchExecutor<DocumentWrite> executor =
        builder(through).maxRetries(0).linger(Duration.ZERO).build()) {
      warm(executor);
      server.pause();
      List<CompletionStage<WriteResult>> results = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        results.add(executor.submit(DocumentWrite.set(collection, "a", Map.of("n", i))));
      }
      assertThat(settled(results.get(0)).status()).isEqualTo(WriteStatus.UNKNOWN);
      server.resume();
      assertThat(executor.flush(LONG)).isZero();
      WriteResult last = settled(results.get(4));
      assertThat(last.status()).isEqualTo(WriteStatus.APPLIED);
      assertThat(fields("a")).isEqualTo(Map.of("n", 4L));
    }
  }

  @Test
  void without_the_right_to_kill_it_waits_for_the_hold() throws Exception {
    redis()
        .aclSetuser(
            "plain",
            AclSetuserArgs.Builder.reset()
                .on()
                .addPassword("secret")
                .keyPattern("escalera:*")
                .allCommands()
                .removeCommand(CommandType.CLIENT));
    RedisURI uri =
        RedisURI.builder()
            .withHost(proxy.host())
            .withPort(proxy.port())
            .withAuthentication("plain", "secret")
            .build();
    RedisClient plain = RedisClient.create(uri);
    try {
      BatchExecutor<DocumentWrite> executor = builder(plain).maxRetries(0).build();
      warm(executor);
      proxy.freeze(FaultProxy.Direction.REQUESTS);
      CompletionStage<WriteResult> first =
          executor.submit(DocumentWrite.set(collection, "a", Map.of("n", 1)));
      CompletionStage<WriteResult> second =
          executor.submit(DocumentWrite.set(collection, "a", Map.of("n", 2)));
      assertThat(settled(first).status()).isEqualTo(WriteStatus.UNKNOWN);
      proxy.heal();
      warm(executor);
      assertThat(executor.flush(Duration.ofMillis(500))).isEqualTo(1);
      assertThat(executor.close(Duration.ofMillis(1))).isEqualTo(1);
      assertThat(settled(second).status()).isEqualTo(WriteStatus.NOT_ATTEMPTED);
    } finally {
      plain.shutdown();
    }
  }

  @Test
  void a_group_is_checked_before_its_first_write() throws Exception {
    try (BatchExecutor<DocumentWrite> executor = builder(through).build()) {
      warm(executor);
      settled(executor.submit(DocumentWrite.set(collection, "text", Map.of("n", "x"))));
      settled(executor.submit(DocumentWrite.set(collection, "max", Map.of("n", Long.MAX_VALUE))));
      redis().set(RedisBatchExecutor.key(collection, "string"), "no hash");
      List<DocumentWrite> bad =
          List.of(
              DocumentWrite.create(collection, "text", Map.of()),
              DocumentWrite.update(collection, "missing", Map.of()),
              DocumentWrite.increment(collection, "text", "n", 1),
              DocumentWrite.increment(collection, "max", "n", 1),
              DocumentWrite.set(collection, "string", Map.of()),
              DocumentWrite.delete(collection, "text").ifUpdatedAt(Instant.EPOCH),
              DocumentWrite.set(collection, "big", Map.of("s", "x".repeat(1 << 20))));
      for (DocumentWrite one : bad) {
        List<WriteResult> results =
            executor
                .submitAtomic(
                    List.of(
                        DocumentWrite.set(collection, "a", Map.of("n", 1)),
                        DocumentWrite.increment(collection, "b", "n", 1),
                        one))
                .toCompletableFuture()
                .get(10, TimeUnit.SECONDS);
        assertThat(results)
            .as("%s", one.kind())
            .extracting(WriteResult::status)
            .containsExactly(WriteStatus.FAILED, WriteStatus.FAILED, WriteStatus.FAILED);
        assertThat(redis().exists(RedisBatchExecutor.key(collection, "a"))).isZero();
        assertThat(redis().exists(RedisBatchExecutor.key(collection, "b"))).isZero();
      }

      List<WriteResult> good =
          executor
              .submitAtomic(
                  List.of(
                      DocumentWrite.set(collection, "a", Map.of("n", 1)),
                      DocumentWrite.increment(collection, "max", "n", -1),
                      DocumentWrite.delete(collection, "text")))
              .toCompletableFuture()
              .get(10, TimeUnit.SECONDS);
      assertThat(good).extracting(WriteResult::status).containsOnly(WriteStatus.APPLIED);
      assertThat(fields("a")).isEqualTo(Map.of("n", 1L));
      assertThat(fields("max")).isEqualTo(Map.of("n", Long.MAX_VALUE - 1));
      assertThat(redis().exists(RedisBatchExecutor.key(collection, "text"))).isZero();
    }
  }

  @Test
  void sums_at_the_border_of_64_bits_are_exact() throws Exception {
    try (BatchExecutor<DocumentWrite> executor = builder(through).build()) {
      long[][] sums = {
        {Long.MAX_VALUE - 1, 1, 1},
        {Long.MAX_VALUE, 1, 0},
        {Long.MAX_VALUE, -1, 1},
        {Long.MIN_VALUE, 1, 1},
        {Long.MIN_VALUE + 1, -1, 1},
        {Long.MIN_VALUE, -1, 0},
        {Long.MAX_VALUE, Long.MIN_VALUE, 1},
        {Long.MIN_VALUE, Long.MIN_VALUE, 0},
        {9_007_199_254_740_993L, 1, 1},
        {-5, 5, 1},
        {4_611_686_018_427_387_904L, 4_611_686_018_427_387_903L, 1},
        {4_611_686_018_427_387_904L, 4_611_686_018_427_387_904L, 0},
      };
      for (long[] sum : sums) {
        settled(executor.submit(DocumentWrite.set(collection, "n", Map.of("n", sum[0]))));
        WriteResult result =
            settled(executor.submit(DocumentWrite.increment(collection, "n", "n", sum[1])));
        boolean fits = sum[2] == 1;
        assertThat(result.applied()).as("%d + %d", sum[0], sum[1]).isEqualTo(fits);
        assertThat(fields("n")).isEqualTo(Map.of("n", fits ? sum[0] + sum[1] : sum[0]));
      }
    }
  }

  @Test
  void a_group_with_keys_is_applied_once_as_a_whole() throws Exception {
    try (BatchExecutor<DocumentWrite> executor = builder(through).maxRetries(50).build()) {
      warm(executor);
      List<DocumentWrite> group =
          List.of(
              DocumentWrite.increment(collection, "x", "n", 1).withKey("g"),
              DocumentWrite.increment(collection, "y", "n", 1).withKey("g"));
      proxy.dropReplies();
      CompletionStage<List<WriteResult>> results = executor.submitAtomic(group);
      assertThat(executor.flush(Duration.ofMillis(500))).isEqualTo(2);
      proxy.heal();
      assertThat(results.toCompletableFuture().get(30, TimeUnit.SECONDS))
          .extracting(WriteResult::status)
          .containsOnly(WriteStatus.ALREADY_APPLIED);
      assertThat(fields("x")).isEqualTo(Map.of("n", 1L));
      assertThat(fields("y")).isEqualTo(Map.of("n", 1L));

      List<DocumentWrite> mixed =
          List.of(
              DocumentWrite.increment(collection, "x", "n", 1).withKey("g"),
              DocumentWrite.increment(collection, "y", "n", 1).withKey("other"));
      assertThat(
              executor
                  .submitAtomic(mixed)
                  .toCompletableFuture()
                  .get(10, TimeUnit.SECONDS)
                  .get(0)
                  .status())
          .isEqualTo(WriteStatus.FAILED);
      assertThatThrownBy(
              () ->
                  executor.submitAtomic(
                      List.of(group.get(0), DocumentWrite.delete(collection, "z"))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("1 of 2 writes");
    }
  }

  @Test
  void what_redis_has_no_memory_for_fails_and_leaves_nothing_behind() throws Exception {
    RedisServer small = RedisServer.start("--maxmemory", "1", "--maxmemory-policy", "noeviction");
    RedisClient client = RedisClient.create(small.uri());
    try (BatchExecutor<DocumentWrite> executor = builder(client).maxRetries(1).build();
        StatefulRedisConnection<String, String> redis = client.connect()) {
      WriteResult refused =
          settled(executor.submit(DocumentWrite.increment("c", "a", "n", 1).withKey("k")));
      assertThat(refused.status()).isEqualTo(WriteStatus.FAILED);
      assertThat(refused.attempts()).isEqualTo(2);
      assertThat(refused.cause().orElseThrow()).hasMessageContaining("OOM");
      assertThat(redis.sync().dbsize()).isZero();
    } finally {
      client.shutdown();
      small.close();
    }
  }

  @Test
  void commands_go_out_as_they_are_in_order_and_once_with_a_key() throws Exception {
    String key = "{" + collection + "}native";
    try (BatchExecutor<RedisWrite> executor = builder(through).maxRetries(50).buildNative()) {
      settled(executor.submit(RedisWrite.set(key + "warm", "x")));
      List<CompletionStage<WriteResult>> results = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        results.add(executor.submit(RedisWrite.set(key + i, "v" + i)));
        results.add(executor.submit(RedisWrite.command("APPEND", key + i, "!")));
      }
      results.add(executor.submit(RedisWrite.set(key + "ttl", "v", Duration.ofHours(1))));
      results.add(executor.submit(RedisWrite.command("hset", key + "h", "f", "v")));
      assertThat(executor.flush(LONG)).isZero();
      for (CompletionStage<WriteResult> result : results) {
        assertThat(settled(result).cause()).isEmpty();
      }
      assertThat(redis().get(key + "99")).isEqualTo("v99!");
      assertThat(redis().pttl(key + "ttl")).isPositive();

      WriteResult wrong = settled(executor.submit(RedisWrite.increment(key + "h", 1)));
      assertThat(wrong.status()).isEqualTo(WriteStatus.FAILED);
      WriteResult wrongKeyed =
          settled(executor.submit(RedisWrite.increment(key + "h", 1).withKey("k")));
      assertThat(wrongKeyed.status()).isEqualTo(WriteStatus.FAILED);

      proxy.dropReplies();
      CompletionStage<WriteResult> keyed =
          executor.submit(RedisWrite.increment(key + "n", 1).withKey("k"));
      CompletionStage<WriteResult> bare = executor.submit(RedisWrite.increment(key + "m", 1));
      assertThat(settled(bare).status()).isEqualTo(WriteStatus.UNKNOWN);
      proxy.heal();
      assertThat(settled(keyed).status()).isEqualTo(WriteStatus.ALREADY_APPLIED);
      assertThat(redis().get(key + "n")).isEqualTo("1");
    }
    assertThatThrownBy(() -> RedisWrite.command("BLPOP", "a", "0"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("BLPOP");
    assertThatThrownBy(() -> RedisWrite.command("MULTI\r\n", "a"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void one_key_that_is_not_allowed_does_not_keep_the_others_from_being_set() throws Exception {
    redis()
        .aclSetuser(
            "some",
            AclSetuserArgs.Builder.reset()
                .on()
                .addPassword("secret")
                .keyPattern("mine:*")
                .allCommands());
    RedisURI uri =
        RedisURI.builder()
            .withHost(server.host())
            .withPort(server.port())
            .withAuthentication("some", "secret")
            .build();
    RedisClient some = RedisClient.create(uri);
    try (BatchExecutor<RedisWrite> executor = builder(some).buildNative()) {
      List<CompletionStage<WriteResult>> results = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        String key = (i == 37 ? "yours:" : "mine:") + collection + i;
        results.add(executor.submit(RedisWrite.set(key, "v")));
      }
      assertThat(executor.flush(LONG)).isZero();
      for (int i = 0; i < 100; i++) {
        assertThat(settled(results.get(i)).status())
            .isEqualTo(i == 37 ? WriteStatus.FAILED : WriteStatus.APPLIED);
      }
    } finally {
      some.shutdown();
    }
  }

  @Test
  void transforms_are_made_by_the_script() throws Exception {
    try (BatchExecutor<DocumentWrite> executor = builder(through).build()) {
      Instant before = Instant.now().minusSeconds(1);
      settled(
          executor.submit(
              DocumentWrite.set(
                  collection,
                  "a",
                  Map.of(
                      "at", Transform.serverTimestamp(),
                      "tags", List.of("\u00e4:1", "b", "\ud83d\ude00"),
                      "gone", 1,
                      "n", Transform.increment(5)))));
      assertThat((Instant) fields("a").get("at"))
          .isAfter(before)
          .isBefore(Instant.now().plusSeconds(1));
      settled(
          executor.submit(
              DocumentWrite.merge(
                  collection,
                  "a",
                  Map.of(
                      "at", 0,
                      "tags", Transform.arrayUnion("b", "c", "c", 7),
                      "none", Transform.arrayRemove("x"),
                      "gone", Transform.deleteField(),
                      "n", Transform.increment(-2)))));
      assertThat(fields("a"))
          .isEqualTo(
              Map.of(
                  "at",
                  0L,
                  "tags",
                  List.of("\u00e4:1", "b", "\ud83d\ude00", "c", 7L),
                  "none",
                  List.of(),
                  "n",
                  3L));
      settled(
          executor.submit(
              DocumentWrite.update(
                  collection, "a", Map.of("tags", Transform.arrayRemove("\u00e4:1", 7)))));
      assertThat(fields("a").get("tags")).isEqualTo(List.of("b", "\ud83d\ude00", "c"));
    }
  }

  /** Waits until the executor has a connection, for which a deadline of a call may be too short. */
  private void warm(BatchExecutor<DocumentWrite> executor) throws Exception {
    long until = System.nanoTime() + LONG.toNanos();
    WriteResult result;
    do {
      // Another document each time: one whose answer is lost is held up.
      String id = "warm" + UUID.randomUUID();
      result = settled(executor.submit(DocumentWrite.set(collection, id, Map.of())));
    } while (!result.applied() && System.nanoTime() < until);
    assertThat(result.cause()).isEmpty();
  }

  private RedisCommands<String, String> redis() {
    return direct.sync();
  }

  private Map<String, @Nullable Object> fields(String id) {
    return RedisBatchExecutor.decode(redis().hgetall(RedisBatchExecutor.key(collection, id)));
  }

  private static WriteResult settled(CompletionStage<WriteResult> result) throws Exception {
    return result.toCompletableFuture().get(60, TimeUnit.SECONDS);
  }
}
