package dev.escalera.batch.crash;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.Firestore;
import dev.escalera.batch.DocumentWrite;
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
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
    /** What its processes call it. */
    String name();

    String direct();

    FaultProxy proxy();

    String through(FaultProxy proxy);

    /** Returns a field, 0 if it is not there. */
    long number(String collection, String id, String field) throws Exception;
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
    public String name() {
      return "redis";
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
    public String through(FaultProxy proxy) {
      return proxy.redisUri();
    }

    @Override
    public long number(String collection, String id, String field) {
      String number = redis.sync().hget(RedisBatchExecutor.key(collection, id), field);
      return number == null ? 0 : Long.parseLong(number);
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
    public String name() {
      return firestore.getOptions().getProjectId();
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
    public String through(FaultProxy proxy) {
      return proxy.hostPort();
    }

    @Override
    public long number(String collection, String id, String field) throws Exception {
      DocumentSnapshot document = firestore.collection(collection).document(id).get().get();
      return Objects.requireNonNullElse(document.getLong(field), 0L);
    }
  }

  /**
   * Kills a process over and over, of whose executors each is at another point when it dies: each
   * has a line of its own to the store.
   */
  private static void killAtEachPoint(Store store) throws Exception {
    String collection = "c" + UUID.randomUUID();
    int events = 0;
    for (int kill = 0; kill <= KILLS; kill++) {
      Map<Point, FaultProxy> lines = new EnumMap<>(Point.class);
      for (Point point : Point.values()) {
        lines.put(point, store.proxy());
      }
      try (Node writer = start(store, collection, lines)) {
        // Each does again what the one before it may have done, then something of its own.
        if (events > 0) {
          again(writer, events);
          assertCounts(store, collection, events);
        }
        events++;
        first(writer, events);
        assertCounts(store, collection, events);
        if (kill < KILLS) {
          events++;
          killAtEachPoint(store, lines, writer, collection, events);
        }
      } finally {
        // What stood still is thrown away with the connection, as by the kernel of a dead host.
        lines.values().forEach(FaultProxy::close);
      }
    }
  }

  private static Node start(Store store, String collection, Map<Point, FaultProxy> lines) {
    List<String> arguments = new ArrayList<>(List.of(store.name(), "obey", collection));
    lines.forEach((point, line) -> arguments.addAll(List.of(point.name(), store.through(line))));
    Node writer = Node.start(CrashingWriter.class, arguments.toArray(String[]::new));
    assertThat(writer.readLine(LONG)).isEqualTo("ready");
    return writer;
  }

  private static void killAtEachPoint(
      Store store, Map<Point, FaultProxy> lines, Node writer, String collection, int event)
      throws Exception {
    line(lines, Point.BEFORE_SEND).freeze(FaultProxy.Direction.REQUESTS);
    line(lines, Point.AFTER_APPLY).freeze(FaultProxy.Direction.REPLIES);
    line(lines, Point.BEFORE_ACK).freeze(FaultProxy.Direction.REPLIES);
    for (Point point : Point.values()) {
      writer.send(point + " " + event);
    }
    assertThat(writer.readLine(LONG)).isEqualTo(Point.AFTER_ACK + " APPLIED");
    awaitCounts(store, collection, Point.AFTER_APPLY, event);
    awaitCounts(store, collection, Point.BEFORE_ACK, event);
    // The replies are on their way when it dies.
    writer.pause();
    line(lines, Point.BEFORE_ACK).heal();
    writer.kill();
    assertCounts(store, collection, Point.BEFORE_SEND, event - 1);
  }

  private static FaultProxy line(Map<Point, FaultProxy> lines, Point point) {
    return Objects.requireNonNull(lines.get(point));
  }

  /** Has the event that was cut off written again. */
  private static void again(Node writer, int event) {
    Map<Point, List<String>> results = write(writer, event);
    assertThat(results.get(Point.BEFORE_SEND)).containsOnly("APPLIED");
    assertThat(results.get(Point.AFTER_APPLY)).containsOnly("ALREADY_APPLIED");
    assertThat(results.get(Point.BEFORE_ACK)).containsOnly("ALREADY_APPLIED");
    // Of one batch or of two.
    assertThat(results.get(Point.AFTER_ACK))
        .contains("ALREADY_APPLIED")
        .isSubsetOf("APPLIED", "ALREADY_APPLIED");
  }

  private static void first(Node writer, int event) {
    assertThat(write(writer, event).values())
        .allSatisfy(results -> assertThat(results).containsOnly("APPLIED"));
  }

  /** Has all executors write an event; returns what became of it, by executor. */
  private static Map<Point, List<String>> write(Node writer, int event) {
    Map<Point, List<String>> results = new EnumMap<>(Point.class);
    for (Point point : Point.values()) {
      results.put(point, new ArrayList<>());
      writer.send(point + " " + event);
    }
    for (int i = 0; i < Point.values().length * CrashingWriter.DOCUMENTS; i++) {
      String[] words = writer.readLine(LONG).split(" ", 2);
      Objects.requireNonNull(results.get(Point.valueOf(words[0]))).add(words[1]);
    }
    assertThat(results.values())
        .allSatisfy(each -> assertThat(each).hasSize(CrashingWriter.DOCUMENTS));
    return results;
  }

  private static void killAndResume(Store store, Path folder) throws Exception {
    String collection = "c" + UUID.randomUUID();
    Random random = new Random(Long.getLong("escalera.seed", 1));
    int kills = 0;
    String last = "";
    while (last.isEmpty()) {
      try (Node writer =
          Node.start(
              CrashingWriter.class,
              store.name(),
              "resume",
              store.direct(),
              collection,
              String.valueOf(OPERATIONS),
              folder.toString())) {
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
    // As if it had been done once, from the first to the last.
    Map<String, Long> counted = new HashMap<>();
    Map<String, Long> set = new HashMap<>();
    CrashingWriter.writes(collection, OPERATIONS)
        .forEachRemaining(
            write -> {
              if (write.kind() == DocumentWrite.Kind.SET) {
                set.put(write.id(), (Long) write.fields().get("i"));
              } else {
                counted.merge(write.id(), 1L, Long::sum);
              }
            });
    for (Map.Entry<String, Long> each : counted.entrySet()) {
      assertThat(store.number(collection, each.getKey(), "n"))
          .as("increments of %s, each once", each.getKey())
          .isEqualTo(each.getValue());
    }
    for (Map.Entry<String, Long> each : set.entrySet()) {
      assertThat(store.number(collection, each.getKey(), "i"))
          .as("the last that %s was set to", each.getKey())
          .isEqualTo(each.getValue());
    }
  }

  private static void awaitCounts(Store store, String collection, Point point, int count)
      throws Exception {
    long deadline = System.nanoTime() + LONG.toNanos();
    for (int i = 0; i < CrashingWriter.DOCUMENTS; i++) {
      String document = CrashingWriter.document(point.name(), i);
      while (store.number(collection, document, "n") < count) {
        assertThat(System.nanoTime()).as("%s becomes %d", document, count).isLessThan(deadline);
        Thread.sleep(2);
      }
    }
  }

  private static void assertCounts(Store store, String collection, int count) throws Exception {
    for (Point point : Point.values()) {
      assertCounts(store, collection, point, count);
    }
  }

  private static void assertCounts(Store store, String collection, Point point, int count)
      throws Exception {
    for (int i = 0; i < CrashingWriter.DOCUMENTS; i++) {
      String document = CrashingWriter.document(point.name(), i);
      assertThat(store.number(collection, document, "n"))
          .as("%s at %s", document, point)
          .isEqualTo(count);
    }
  }
}
