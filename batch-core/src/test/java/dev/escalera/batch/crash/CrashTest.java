package dev.escalera.batch.crash;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.Firestore;
import dev.escalera.batch.redis.RedisBatchExecutor;
import dev.escalera.testkit.FaultProxy;
import dev.escalera.testkit.FirestoreEmulator;
import dev.escalera.testkit.Node;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithFirestore;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Processes that are killed (SIGKILL) while they write, and others that do their work again. More
 * kills by {@code -Descalera.kills=50}, longer runs by {@code -Descalera.operations=1000000}.
 */
class CrashTest {
  private static final Duration LONG = Duration.ofMinutes(2);
  private static final int KILLS = Integer.getInteger("escalera.kills", 3);
  private static final int OPERATIONS = Integer.getInteger("escalera.operations", 30_000);
  private static final int MAX_PENDING = 2_000;

  /** Where a process is when it is killed. */
  private enum Point {
    BEFORE_SEND,
    AFTER_APPLY,
    BEFORE_ACK,
    AFTER_ACK
  }

  /** What differs between the stores. */
  private interface Store {
    Node start(String address, String collection, String... more);

    String direct();

    FaultProxy proxy();

    long count(String collection, String id) throws Exception;
  }

  @Nested
  @WithRedis
  class OnRedis implements Store {
    private final RedisServer server;
    private final StatefulRedisConnection<String, String> redis;

    OnRedis(RedisServer server, RedisClient client) {
      this.server = server;
      this.redis = client.connect();
    }

    @Test
    void keyed_counts_are_exact_wherever_the_writer_is_killed() throws Exception {
      killAtEachPoint(this);
    }

    @Test
    void a_run_that_is_killed_goes_on_to_the_same_end(@TempDir Path folder) throws Exception {
      killAndResume(this, folder);
    }

    @Override
    public Node start(String address, String collection, String... more) {
      return Node.start(CrashingWriter.class, arguments("redis", address, collection, more));
    }

    @Override
    public String direct() {
      return server.uri();
    }

    @Override
    public FaultProxy proxy() {
      return FaultProxy.to(server);
    }

    @Override
    public long count(String collection, String id) {
      String count = redis.sync().hget(RedisBatchExecutor.key(collection, id), "n");
      return count == null ? 0 : Long.parseLong(count);
    }
  }

  @Nested
  @WithFirestore
  class OnFirestore implements Store {
    private final FirestoreEmulator emulator;
    private final Firestore firestore;

    OnFirestore(FirestoreEmulator emulator, Firestore firestore) {
      this.emulator = emulator;
      this.firestore = firestore;
    }

    @Test
    void keyed_counts_are_exact_wherever_the_writer_is_killed() throws Exception {
      killAtEachPoint(this);
    }

    @Override
    public Node start(String address, String collection, String... more) {
      String project = firestore.getOptions().getProjectId();
      return Node.start(CrashingWriter.class, arguments(project, address, collection, more));
    }

    @Override
    public String direct() {
      return emulator.hostPort();
    }

    @Override
    public FaultProxy proxy() {
      return FaultProxy.to(emulator);
    }

    @Override
    public long count(String collection, String id) throws Exception {
      DocumentSnapshot document = firestore.collection(collection).document(id).get().get();
      return Objects.requireNonNullElse(document.getLong("n"), 0L);
    }
  }

  private static void killAtEachPoint(Store store) throws Exception {
    String collection = "c" + UUID.randomUUID();
    int events = 0;
    for (int kill = 0; kill < KILLS; kill++) {
      for (Point point : Point.values()) {
        try (FaultProxy proxy = store.proxy();
            Node writer = start(store, proxy, collection)) {
          // It does again what the one before it may have done, then something of its own.
          events = again(writer, events);
          assertCounts(store, collection, events);
          killAt(store, proxy, writer, collection, point, ++events);
          // What stood still is thrown away with the connection, as by the kernel of a dead host.
        }
      }
    }
    try (FaultProxy proxy = store.proxy();
        Node writer = start(store, proxy, collection)) {
      events = again(writer, events);
      assertCounts(store, collection, events);
    }
  }

  private static Node start(Store store, FaultProxy proxy, String collection) {
    String address = store.direct().startsWith("redis:") ? proxy.redisUri() : proxy.hostPort();
    Node writer = store.start(address, collection);
    assertThat(writer.readLine(LONG)).isEqualTo("ready");
    return writer;
  }

  private static void killAt(
      Store store, FaultProxy proxy, Node writer, String collection, Point point, int event)
      throws Exception {
    switch (point) {
      case BEFORE_SEND -> {
        proxy.freeze(FaultProxy.Direction.REQUESTS);
        writer.send(String.valueOf(event));
        writer.kill();
        assertCounts(store, collection, event - 1);
      }
      case AFTER_APPLY -> {
        proxy.freeze(FaultProxy.Direction.REPLIES);
        writer.send(String.valueOf(event));
        awaitCounts(store, collection, event);
        writer.kill();
      }
      case BEFORE_ACK -> {
        // The replies are on their way when it dies.
        proxy.freeze(FaultProxy.Direction.REPLIES);
        writer.send(String.valueOf(event));
        awaitCounts(store, collection, event);
        writer.pause();
        proxy.heal();
        writer.kill();
      }
      default -> {
        writer.send(String.valueOf(event));
        assertThat(writer.readLine(LONG)).isEqualTo("APPLIED");
        writer.kill();
      }
    }
  }

  private static int again(Node writer, int events) {
    for (int event = Math.max(1, events); event <= events + 1; event++) {
      writer.send(String.valueOf(event));
      for (int document = 0; document < CrashingWriter.DOCUMENTS; document++) {
        assertThat(writer.readLine(LONG)).isIn("APPLIED", "ALREADY_APPLIED");
      }
    }
    return events + 1;
  }

  private static void killAndResume(Store store, Path folder) throws Exception {
    String collection = "c" + UUID.randomUUID();
    Random random = new Random(Long.getLong("escalera.seed", 1));
    int kills = 0;
    String last = "";
    while (last.isEmpty()) {
      try (Node writer =
          store.start(store.direct(), collection, String.valueOf(OPERATIONS), folder.toString())) {
        String line = writer.readLine(LONG);
        if (kills < KILLS) {
          // Some way on from where it was.
          long until = Long.parseLong(line) + random.nextInt(OPERATIONS / KILLS / 2);
          while (!line.startsWith("done") && Long.parseLong(line) < until) {
            line = writer.readLine(LONG);
          }
          writer.kill();
          kills++;
        } else {
          while (!line.startsWith("done")) {
            line = writer.readLine(LONG);
          }
          last = line;
        }
      }
    }
    String[] words = last.split(" ", 4);
    assertThat(words[1]).isEqualTo(String.valueOf(OPERATIONS));
    assertThat(Integer.parseInt(words[2])).isLessThanOrEqualTo(MAX_PENDING);
    assertThat(words[3]).isEqualTo("[]");
    long counted = 0;
    for (int i = 0; i < CrashingWriter.COUNTERS; i++) {
      counted += store.count(collection, "r" + i);
    }
    int sets = (OPERATIONS + 2) / 3;
    assertThat(counted).as("increments, each once").isEqualTo(OPERATIONS - sets);
  }

  private static void awaitCounts(Store store, String collection, int count) throws Exception {
    long deadline = System.nanoTime() + LONG.toNanos();
    for (int i = 0; i < CrashingWriter.DOCUMENTS; i++) {
      while (store.count(collection, "n" + i) < count) {
        assertThat(System.nanoTime()).as("n%d becomes %d", i, count).isLessThan(deadline);
        Thread.sleep(2);
      }
    }
  }

  private static void assertCounts(Store store, String collection, int count) throws Exception {
    for (int i = 0; i < CrashingWriter.DOCUMENTS; i++) {
      assertThat(store.count(collection, "n" + i)).as("n%d", i).isEqualTo(count);
    }
  }

  private static String[] arguments(
      String store, String address, String collection, String... more) {
    List<String> all = new java.util.ArrayList<>(List.of(store, address, collection));
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }
}
