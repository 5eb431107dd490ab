package dev.escalera.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.firestore.Firestore;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.api.StatefulRedisConnection;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The examples of docs/testkit.md. */
class DocsExamplesTest {
  @Nested
  @WithRedis
  @WithFirestore
  class InventoryTest {
    @Test
    void a_reservation_is_visible_in_both_stores(RedisClient redis, Firestore firestore)
        throws Exception {
      firestore.document("items/1").set(Map.of("reserved", true)).get();
      try (StatefulRedisConnection<String, String> connection = redis.connect()) {
        connection.sync().set("reserved:1", "true");
      }
    }
  }

  @Test
  void a_server_is_a_plain_object() {
    try (RedisServer server = RedisServer.start("--maxmemory", "64mb")) {
      RedisClient client = RedisClient.create(server.uri());
      client.connect().sync().set("key", "value");
      client.shutdown();
    }
    assertThat(FirestoreEmulator.HOW_TO_GET).contains("gcloud");
  }

  @Test
  void sentinel_and_cluster_are_objects_too() {
    try (RedisSentinel sentinel = RedisSentinel.start();
        RedisCluster cluster = RedisCluster.start()) {
      RedisClient client = RedisClient.create(sentinel.uri());
      client.connect().sync().set("key", "value");
      sentinel.failover();

      int slot = cluster.slotOf("{user-7}:cart");
      cluster.moveSlot(slot, cluster.primaries().get(0));
      cluster.kill(cluster.primaryOf(slot));
      client.shutdown();
    }
  }

  @Test
  void a_proxy_drops_a_reply() throws Exception {
    try (RedisServer server = RedisServer.start();
        FaultProxy proxy = FaultProxy.to(server)) {
      RedisClient client = RedisClient.create(proxy.redisUri());
      StatefulRedisConnection<String, String> connection = client.connect();
      proxy.dropReplies();
      RedisFuture<Long> reply = connection.async().incr("counter"); // applied, never answered
      while (server.command("GET", "counter") == null) {
        Thread.onSpinWait();
      }
      proxy.disconnect();
      proxy.heal(); // the client connects again, and sends it again
      assertThat(reply.get(20, TimeUnit.SECONDS)).isEqualTo(2);
      client.shutdown();
    }
  }

  /** Does what it is told. */
  public static final class Worker {
    private Worker() {}

    public static void main(String[] args) throws IOException {
      for (int read = System.in.read(); read >= 0; read = System.in.read()) {
        if (read == '\n') {
          System.out.println("done");
        }
      }
    }
  }

  @Test
  void a_node_talks_by_lines() {
    try (Node node = Node.start(Worker.class, "argument")) {
      node.send("work");
      assertThat(node.readLine(Duration.ofSeconds(20))).isEqualTo("done");
      node.pause(); // SIGSTOP; also resume() and kill()
    }
  }

  @Test
  void a_model_test_runs_many_seeds() {
    ModelTest.named("the queue")
        .seeds(500)
        .check(DocsExamplesTest::randomSteps, DocsExamplesTest::runAndCompare);
  }

  private static List<Integer> randomSteps(Random random) {
    return random.ints(20).boxed().toList();
  }

  private static void runAndCompare(List<Integer> steps) {
    Deque<Integer> queue = new ArrayDeque<>(steps);
    assertThat(steps).allSatisfy(step -> assertThat(queue.poll()).isEqualTo(step));
  }

  /** A write of a value. */
  private record Command(String key, int value) {
    static Command write(int value) {
      return new Command("key", value);
    }
  }

  private static final class Register implements Linearizability.Model<Integer, Command, Integer> {
    @Override
    public Integer initial() {
      return 0;
    }

    @Override
    public Optional<Integer> step(Integer state, Operation<Command, Integer> operation) {
      return Optional.of(operation.input().value());
    }
  }

  @Test
  void a_history_is_checked() {
    AtomicInteger register = new AtomicInteger();
    History<Command, Integer> history = new History<>();
    History<Command, Integer>.Pending write = history.invoke("client-1", Command.write(7));
    try {
      register.set(7);
      write.ok(null);
    } catch (UncheckedIOException e) {
      write.info(); // perhaps done, perhaps yet to be
    }
    Linearizability.check(
            history.operations(), Command::key, new Register(), Duration.ofSeconds(20))
        .assertLinearizable();
    assertThat(register).hasValue(7);
  }
}
