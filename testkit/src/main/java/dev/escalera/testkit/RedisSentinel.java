package dev.escalera.testkit;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A primary Redis server with two replicas and three sentinels that watch over them, up in about a
 * second. The sentinels replace a primary that has not answered for a while.
 *
 * <p>Instances may be used by several threads.
 */
public final class RedisSentinel implements AutoCloseable {
  /** The name that the sentinels know the primary by. */
  public static final String PRIMARY_NAME = "escalera";

  private static final int REPLICAS = 2;
  private static final int SENTINELS = 3;
  private static final int QUORUM = 2;
  private static final Duration START_TIMEOUT = Duration.ofSeconds(30);
  private static final Duration FAILOVER_TIMEOUT = Duration.ofSeconds(30);

  /** When a sentinel gives a failover up; after twice as long it tries again. */
  private static final Duration GIVE_UP = Duration.ofSeconds(4);

  private final List<RedisServer> servers = new ArrayList<>();
  private final List<RedisServer> sentinels = new ArrayList<>();

  private final Duration downAfter;

  private RedisSentinel(Duration downAfter) {
    this.downAfter = downAfter;
  }

  /**
   * Starts all six servers, of which a primary is replaced that has not answered for half a second.
   *
   * @return the running servers, once the sentinels know each other and both replicas
   * @throws TestkitException if they cannot be started
   */
  public static RedisSentinel start() {
    return start(Duration.ofMillis(500));
  }

  /**
   * Starts all six servers and returns once the sentinels know each other and both replicas.
   *
   * @param downAfter how long a primary does not answer until it is replaced: longer than it may be
   *     held up where the machine is busy
   * @return the running servers
   * @throws TestkitException if they cannot be started
   */
  public static RedisSentinel start(Duration downAfter) {
    RedisSentinel sentinel = new RedisSentinel(downAfter);
    try {
      sentinel.startServers();
      sentinel.startSentinels();
    } catch (RuntimeException e) {
      sentinel.close();
      throw e;
    }
    return sentinel;
  }

  /**
   * Returns the address as Lettuce reads it, with all sentinels and the primary's name.
   *
   * @return such as {@code redis-sentinel://127.0.0.1:26379,127.0.0.1:26380#escalera}
   */
  public String uri() {
    return sentinels.stream()
        .map(sentinel -> sentinel.host() + ":" + sentinel.port())
        .collect(Collectors.joining(",", "redis-sentinel://", "#" + PRIMARY_NAME));
  }

  /**
   * Returns the servers that hold data, dead ones too, in the order of their start.
   *
   * @return the three servers
   */
  public List<RedisServer> servers() {
    return List.copyOf(servers);
  }

  /**
   * Returns the sentinels, dead ones too.
   *
   * @return the three sentinels
   */
  public List<RedisServer> sentinels() {
    return List.copyOf(sentinels);
  }

  /**
   * Returns the server that most sentinels hold to be the primary now.
   *
   * @return one of {@link #servers()}
   * @throws TestkitException if no sentinel answers
   */
  public RedisServer primary() {
    return sentinels.stream()
        .flatMap(this::primaryBy)
        .collect(Collectors.groupingBy(server -> server, Collectors.counting()))
        .entrySet()
        .stream()
        .filter(entry -> entry.getValue() >= QUORUM)
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow(() -> new TestkitException("the sentinels do not agree on a primary"));
  }

  /**
   * Makes a replica the primary in order, as an operator does, and returns once all sentinels and
   * the new primary itself say so, and are done with it. Writes that the old primary still
   * acknowledges on the way may be lost.
   *
   * @return the new primary
   * @throws TestkitException if there is none within half a minute
   */
  public RedisServer failover() {
    RedisServer before = primary();
    return await(before, () -> order(before));
  }

  /**
   * Returns the primary once it is another than {@code before}, such as one that was killed.
   *
   * @param before the primary that shall be replaced
   * @return the new primary, which takes writes
   * @throws TestkitException if there is none within half a minute
   */
  public RedisServer awaitPrimaryOtherThan(RedisServer before) {
    return await(before, () -> {});
  }

  private RedisServer await(RedisServer before, Runnable meanwhile) {
    try {
      ServerProcess.await(
          FAILOVER_TIMEOUT,
          "a primary other than port " + before.port(),
          () -> {
            meanwhile.run();
            return sentinels.stream()
                .filter(RedisServer::answers)
                .allMatch(sentinel -> hasReplaced(before, sentinel));
          });
    } catch (TestkitException e) {
      throw new TestkitException(e.getMessage() + "; the sentinels say " + views(), e);
    }
    return primary();
  }

  /** Kills all six servers. Idempotent. */
  @Override
  public void close() {
    ServerProcess.closeAll(Stream.concat(sentinels.stream(), servers.stream()).toList());
  }

  private void startServers() {
    RedisServer primary = RedisServer.start("--repl-diskless-sync-delay", "0");
    servers.add(primary);
    for (int i = 0; i < REPLICAS; i++) {
      servers.add(
          RedisServer.start(
              "--repl-diskless-sync-delay",
              "0",
              "--replicaof",
              primary.host(),
              String.valueOf(primary.port())));
    }
    // Sentinels learn replicas from the primary, which must know them first.
    ServerProcess.await(
        START_TIMEOUT,
        "the connection of both replicas",
        () -> info(primary).contains("connected_slaves:" + REPLICAS));
  }

  private void startSentinels() {
    RedisServer primary = servers.get(0);
    for (int i = 0; i < SENTINELS; i++) {
      RedisServer sentinel = RedisServer.start(RedisRole.SENTINEL, List.of());
      sentinels.add(sentinel);
      sentinel.command(
          "SENTINEL",
          "MONITOR",
          PRIMARY_NAME,
          primary.host(),
          String.valueOf(primary.port()),
          String.valueOf(QUORUM));
      set(sentinel, "down-after-milliseconds", String.valueOf(downAfter.toMillis()));
      set(sentinel, "failover-timeout", String.valueOf(GIVE_UP.toMillis()));
    }
    ServerProcess.await(
        START_TIMEOUT,
        "the agreement of the sentinels",
        () -> sentinels.stream().allMatch(this::knowsAll));
  }

  private static void set(RedisServer sentinel, String option, String value) {
    sentinel.command("SENTINEL", "SET", PRIMARY_NAME, option, value);
  }

  private boolean knowsAll(RedisServer sentinel) {
    return sentinel.command("SENTINEL", "MASTER", PRIMARY_NAME) instanceof List<?> fields
        && field(fields, "num-slaves").equals(String.valueOf(REPLICAS))
        && field(fields, "num-other-sentinels").equals(String.valueOf(SENTINELS - 1));
  }

  /**
   * Orders a failover, unless one is under way: again where it was given up, as on a busy machine a
   * sentinel does with what is not done in time.
   */
  private void order(RedisServer before) {
    RedisServer sentinel =
        sentinels.stream()
            .filter(RedisServer::answers)
            .findFirst()
            .orElseThrow(() -> new TestkitException("no sentinel answers"));
    if (!isAtRest(sentinel) || primaryBy(sentinel).noneMatch(server -> server == before)) {
      return;
    }
    try {
      sentinel.command("SENTINEL", "FAILOVER", PRIMARY_NAME);
    } catch (TestkitException e) {
      String message = String.valueOf(e.getMessage());
      if (!message.contains("INPROG") && !message.contains("NOGOODSLAVE")) {
        throw e;
      }
    }
  }

  /** Whether a sentinel has nothing to do about the primary. */
  private static boolean isAtRest(RedisServer sentinel) {
    return sentinel.command("SENTINEL", "MASTER", PRIMARY_NAME) instanceof List<?> fields
        && field(fields, "flags").equals("master");
  }

  private static String field(List<?> fields, String name) {
    return String.valueOf(fields.get(fields.indexOf(name) + 1));
  }

  /** The primary in the eyes of one sentinel; empty if it does not answer or knows none. */
  private Stream<RedisServer> primaryBy(RedisServer sentinel) {
    Object address;
    try {
      address = sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", PRIMARY_NAME);
    } catch (TestkitException e) {
      return Stream.empty();
    }
    return address instanceof List<?> hostAndPort
        ? servers.stream().filter(s -> String.valueOf(s.port()).equals(hostAndPort.get(1)))
        : Stream.empty();
  }

  /**
   * Whether a sentinel is done with the replacement of a primary. It names the new one before that,
   * but would not replace it in its turn if it died: it waits for it until it is back.
   */
  private boolean hasReplaced(RedisServer before, RedisServer sentinel) {
    return isAtRest(sentinel)
        && primaryBy(sentinel).allMatch(server -> server != before && isPrimary(server));
  }

  /** What each sentinel that answers knows of itself and of the servers. */
  private String views() {
    return sentinels.stream()
        .filter(RedisServer::answers)
        .map(
            sentinel ->
                sentinel.command("INFO", "sentinel")
                    + " "
                    + sentinel.command("SENTINEL", "MASTER", PRIMARY_NAME)
                    + " "
                    + sentinel.command("SENTINEL", "REPLICAS", PRIMARY_NAME))
        .collect(Collectors.joining("; "));
  }

  private static boolean isPrimary(RedisServer server) {
    try {
      return info(server).contains("role:master");
    } catch (TestkitException e) {
      return false;
    }
  }

  private static String info(RedisServer server) {
    return String.valueOf(server.command("INFO", "replication"));
  }
}
