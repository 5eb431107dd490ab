package dev.escalera.testkit;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A Redis Cluster of three primaries, each with one replica, up in about three seconds. A primary
 * that has not answered for a second is replaced by its replica.
 *
 * <p>The nodes announce their own ports to clients. To put a {@link FaultProxy} in between, give
 * the client an address mapping (Lettuce: {@code MappingSocketAddressResolver}).
 *
 * <p>Instances may be used by several threads.
 */
public final class RedisCluster implements AutoCloseable {
  /** The number of hash slots of every Redis Cluster. */
  public static final int SLOTS = 16_384;

  private static final int PRIMARIES = 3;
  private static final int NODES = 2 * PRIMARIES;
  private static final int NODE_TIMEOUT_MILLIS = 1_000;
  private static final int KEYS_A_STEP = 100;
  private static final String MIGRATE_TIMEOUT_MILLIS = "5000";
  private static final Duration TIMEOUT = Duration.ofSeconds(30);

  private final List<RedisServer> nodes = new ArrayList<>();

  private RedisCluster() {}

  /**
   * Starts six nodes and returns once each of them knows all slots and all others.
   *
   * @return the running cluster
   * @throws TestkitException if it cannot be started
   */
  public static RedisCluster start() {
    RedisCluster cluster = new RedisCluster();
    try {
      cluster.startNodes();
      cluster.join();
    } catch (RuntimeException e) {
      cluster.close();
      throw e;
    }
    return cluster;
  }

  /**
   * Returns all nodes, dead ones too, in the order of their start.
   *
   * @return the six nodes
   */
  public List<RedisServer> nodes() {
    return List.copyOf(nodes);
  }

  /**
   * Returns the addresses of all nodes as Redis URIs.
   *
   * @return six addresses
   */
  public List<String> uris() {
    return nodes.stream().map(RedisServer::uri).toList();
  }

  /**
   * Returns the nodes that serve slots now.
   *
   * @return the primaries that are not held to be dead
   * @throws TestkitException if no node answers
   */
  public List<RedisServer> primaries() {
    return view().stream()
        .filter(ClusterView::servesSlots)
        .map(member -> node(member.port()))
        .toList();
  }

  /**
   * Returns the slot of a key.
   *
   * @param key any key, its hash tag counts
   * @return 0 to {@link #SLOTS} - 1
   * @throws TestkitException if no node answers
   */
  public int slotOf(String key) {
    return Math.toIntExact((Long) reply(anyAnswering().command("CLUSTER", "KEYSLOT", key)));
  }

  /**
   * Returns the node that serves a slot now.
   *
   * @param slot 0 to {@link #SLOTS} - 1
   * @return its primary
   * @throws TestkitException if no node serves it
   */
  public RedisServer primaryOf(int slot) {
    return view().stream()
        .filter(member -> member.servesSlots() && member.serves(slot))
        .map(member -> node(member.port()))
        .findFirst()
        .orElseThrow(() -> new TestkitException("no node serves slot " + slot));
  }

  /**
   * Moves a slot and its keys to another primary while clients go on, as resharding does: they see
   * ASK for keys that have gone ahead, then MOVED.
   *
   * @param slot 0 to {@link #SLOTS} - 1
   * @param target one of {@link #primaries()}; nothing happens if it serves the slot already
   * @throws TestkitException if a step fails, or keys are left after half a minute
   */
  public void moveSlot(int slot, RedisServer target) {
    RedisServer source = primaryOf(slot);
    if (source == target) {
      return;
    }
    String number = String.valueOf(slot);
    target.command("CLUSTER", "SETSLOT", number, "IMPORTING", id(source));
    source.command("CLUSTER", "SETSLOT", number, "MIGRATING", id(target));
    // In a loop, since clients write while it moves.
    ServerProcess.await(
        TIMEOUT, "the move of slot " + slot, () -> !migrateSome(source, target, number));
    // The new owner first: a slot that nobody owns for a moment would refuse its clients.
    for (RedisServer node : Stream.concat(Stream.of(target), primaries().stream()).toList()) {
      node.command("CLUSTER", "SETSLOT", number, "NODE", id(target));
    }
    awaitOk();
  }

  /**
   * Makes the replica of a primary the primary in order, losing no write, and returns it.
   *
   * @param primary one of {@link #primaries()}
   * @return the node that serves its slots now
   * @throws TestkitException if it has no replica, or the exchange does not come
   */
  public RedisServer failover(RedisServer primary) {
    RedisServer replica = replicaOf(primary);
    replica.command("CLUSTER", "FAILOVER");
    ServerProcess.await(
        TIMEOUT, "the failover to port " + replica.port(), () -> primaries().contains(replica));
    awaitOk();
    return replica;
  }

  /**
   * Kills a primary and returns its replica once that serves its slots, in about two seconds.
   * Writes that had not reached the replica are lost.
   *
   * @param primary one of {@link #primaries()}
   * @return the node that serves its slots now
   * @throws TestkitException if it has no replica, or the replacement does not come
   */
  public RedisServer kill(RedisServer primary) {
    RedisServer replica = replicaOf(primary);
    primary.kill();
    ServerProcess.await(
        TIMEOUT, "the replacement by port " + replica.port(), () -> primaries().contains(replica));
    awaitOk();
    return replica;
  }

  /**
   * Returns the replica of a primary.
   *
   * @param primary one of {@link #primaries()}
   * @return its replica
   * @throws TestkitException if it has none
   */
  public RedisServer replicaOf(RedisServer primary) {
    List<ClusterView> view = view();
    return view.stream()
        .filter(member -> member.port() == primary.port())
        .flatMap(found -> view.stream().filter(member -> member.isReplicaOf(found)))
        .map(member -> node(member.port()))
        .findFirst()
        .orElseThrow(() -> new TestkitException("port " + primary.port() + " has no replica"));
  }

  /**
   * Returns once all nodes that answer agree on who they are and serve all slots, after a failover
   * or a restart for instance.
   *
   * @throws TestkitException if that does not come within half a minute
   */
  public void awaitOk() {
    ServerProcess.await(TIMEOUT, "the agreement of the cluster", this::agrees);
  }

  /** Kills all nodes. Idempotent. */
  @Override
  public void close() {
    ServerProcess.closeAll(nodes);
  }

  private void startNodes() {
    for (int i = 0; i < NODES; i++) {
      nodes.add(
          RedisServer.start(
              RedisRole.CLUSTER_NODE,
              List.of(
                  "--cluster-node-timeout",
                  String.valueOf(NODE_TIMEOUT_MILLIS),
                  "--repl-diskless-sync-delay",
                  "0")));
    }
  }

  private void join() {
    RedisServer first = nodes.get(0);
    for (int i = 0; i < NODES; i++) {
      RedisServer node = nodes.get(i);
      // Distinct from the start: nodes of one epoch would have to settle it among themselves.
      node.command("CLUSTER", "SET-CONFIG-EPOCH", String.valueOf(i + 1));
      if (i < PRIMARIES) {
        node.command(addSlots(i));
      }
      if (i > 0) {
        node.command("CLUSTER", "MEET", first.host(), String.valueOf(first.port()));
      }
    }
    ServerProcess.await(
        TIMEOUT,
        "the acquaintance of the nodes",
        () -> nodes.stream().allMatch(node -> viewBy(node).size() == NODES));
    for (int i = PRIMARIES; i < NODES; i++) {
      nodes.get(i).command("CLUSTER", "REPLICATE", id(nodes.get(i - PRIMARIES)));
    }
    ServerProcess.await(
        TIMEOUT,
        "the link of the replicas",
        () ->
            nodes.stream()
                .skip(PRIMARIES)
                .allMatch(n -> info(n, "replication").contains("master_link_status:up")));
    awaitOk();
  }

  private static String[] addSlots(int primary) {
    IntStream slots =
        IntStream.range(SLOTS * primary / PRIMARIES, SLOTS * (primary + 1) / PRIMARIES);
    return Stream.concat(Stream.of("CLUSTER", "ADDSLOTS"), slots.mapToObj(String::valueOf))
        .toArray(String[]::new);
  }

  /** Moves some keys of a slot; returns whether there were any. */
  private static boolean migrateSome(RedisServer source, RedisServer target, String slot) {
    // Keys are bytes, which this charset takes as they are.
    Charset bytes = StandardCharsets.ISO_8859_1;
    List<?> keys =
        (List<?>)
            reply(
                source.command(
                    bytes, List.of("CLUSTER", "GETKEYSINSLOT", slot, String.valueOf(KEYS_A_STEP))));
    if (keys.isEmpty()) {
      return false;
    }
    String port = String.valueOf(target.port());
    List<String> command = new ArrayList<>();
    command.addAll(List.of("MIGRATE", target.host(), port, "", "0", MIGRATE_TIMEOUT_MILLIS));
    command.add("KEYS");
    keys.forEach(key -> command.add(String.valueOf(key)));
    source.command(bytes, command);
    return true;
  }

  private String id(RedisServer node) {
    return String.valueOf(node.command("CLUSTER", "MYID"));
  }

  private List<ClusterView> view() {
    return viewBy(anyAnswering());
  }

  private static List<ClusterView> viewBy(RedisServer node) {
    return ClusterView.parse(String.valueOf(node.command("CLUSTER", "NODES")));
  }

  private boolean agrees() {
    List<RedisServer> alive = nodes.stream().filter(RedisServer::answers).toList();
    List<Set<String>> views = alive.stream().map(RedisCluster::placesBy).distinct().toList();
    return views.size() == 1
        && views.get(0).size() == alive.size()
        && alive.stream().allMatch(RedisCluster::isOk);
  }

  private static Set<String> placesBy(RedisServer node) {
    return viewBy(node).stream()
        .filter(ClusterView::isAlive)
        .map(ClusterView::place)
        .collect(Collectors.toSet());
  }

  private RedisServer anyAnswering() {
    return nodes.stream()
        .filter(RedisServer::answers)
        .findFirst()
        .orElseThrow(() -> new TestkitException("no node of the cluster answers"));
  }

  private static boolean isOk(RedisServer node) {
    String info = String.valueOf(node.command("CLUSTER", "INFO"));
    return info.contains("cluster_state:ok") && info.contains("cluster_slots_ok:" + SLOTS);
  }

  private static String info(RedisServer node, String section) {
    return String.valueOf(node.command("INFO", section));
  }

  private RedisServer node(int port) {
    return nodes.stream()
        .filter(node -> node.port() == port)
        .findFirst()
        .orElseThrow(() -> new TestkitException("port " + port + " is none of the cluster's"));
  }

  private static Object reply(@Nullable Object reply) {
    if (reply == null) {
      throw new TestkitException("a reply of the cluster was null");
    }
    return reply;
  }
}
