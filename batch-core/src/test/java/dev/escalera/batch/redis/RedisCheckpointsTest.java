package dev.escalera.batch.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.CheckpointStore;
import dev.escalera.batch.CheckpointStoreContract;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

@WithRedis
class RedisCheckpointsTest extends CheckpointStoreContract {
  private final RedisServer server;
  private final RedisClient client;

  RedisCheckpointsTest(RedisServer server, RedisClient client) {
    this.server = server;
    this.client = client;
  }

  @Override
  protected CheckpointStore open() {
    return RedisBatchExecutor.checkpoints(client);
  }

  @Test
  void its_connection_ends_with_it() {
    try (StatefulRedisConnection<String, String> redis = client.connect()) {
      long before = connections(redis);
      try (CheckpointStore store = open()) {
        store.save("run", new byte[1]);
        assertThat(connections(redis)).isEqualTo(before + 1);
      }
      long deadline = System.nanoTime() + Duration.ofSeconds(10).toNanos();
      while (connections(redis) > before) {
        assertThat(System.nanoTime()).isLessThan(deadline);
        LockSupport.parkNanos(1_000_000);
      }
    }
  }

  @Test
  void a_server_that_does_not_answer_is_told_by_the_name_of_the_run_and_is_found_again() {
    try (CheckpointStore store = new RedisCheckpoints(client, Duration.ofMillis(200))) {
      store.save("run", new byte[] {1});
      server.pause();
      assertThatThrownBy(() -> store.save("run", new byte[] {2}))
          .isInstanceOf(BatchException.class)
          .hasMessage("the checkpoint of run \"run\" cannot be written");
      assertThatThrownBy(() -> store.load("run"))
          .isInstanceOf(BatchException.class)
          .hasMessage("the checkpoint of run \"run\" cannot be read");
      server.resume();
      // What was late may have arrived; what is saved next counts.
      store.save("run", new byte[] {3});
      assertThat(store.load("run")).contains(new byte[] {3});
    } finally {
      server.resume();
    }
  }

  @Test
  void what_is_no_checkpoint_is_refused_by_name() {
    try (StatefulRedisConnection<String, String> redis = client.connect();
        CheckpointStore store = open()) {
      redis.sync().lpush("escalera:checkpoint:list", "x");
      assertThatThrownBy(() -> store.load("list"))
          .isInstanceOf(BatchException.class)
          .hasMessageContaining("\"list\" cannot be read");
    }
  }

  private static long connections(StatefulRedisConnection<String, String> redis) {
    return redis.sync().clientList().lines().count();
  }
}
