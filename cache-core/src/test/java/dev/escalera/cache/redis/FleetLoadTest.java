package dev.escalera.cache.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.testkit.FirestoreEmulator;
import dev.escalera.testkit.Node;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithFirestore;
import dev.escalera.testkit.WithRedis;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A cold key, 64 threads in each of four processes, a load that takes 100 ms. */
@WithRedis
@WithFirestore
class FleetLoadTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final String name = "c" + UUID.randomUUID();
  private final List<Node> nodes = new ArrayList<>();

  @AfterEach
  void close_all() {
    nodes.forEach(Node::close);
  }

  @Test
  void a_cold_key_is_loaded_once_in_the_fleet_and_once_more_if_the_loader_dies_on_redis(
      RedisServer server) {
    start("redis", server.uri());
    loads_once_and_once_more();
  }

  @Test
  void a_cold_key_is_loaded_once_in_the_fleet_and_once_more_if_the_loader_dies_on_firestore(
      FirestoreEmulator emulator) {
    start("firestore", emulator.hostPort());
    loads_once_and_once_more();
  }

  private void start(String kind, String address) {
    for (int i = 0; i < 4; i++) {
      nodes.add(Node.start(LoadNode.class, kind, address, name));
    }
    nodes.forEach(node -> assertThat(node.readLine(PATIENCE)).isEqualTo("ready"));
  }

  private void loads_once_and_once_more() {
    for (int round = 0; round < 3; round++) {
      assertThat(loads(nodes, "cold" + round)).as("loads of a cold key").isEqualTo(1);
    }

    Node holder = nodes.get(0);
    holder.send("hold k");
    assertThat(holder.readLine(PATIENCE)).isEqualTo("loading");
    holder.kill();
    long killed = System.nanoTime();
    assertThat(loads(nodes.subList(1, 4), "k")).as("loads beside that of the dead").isEqualTo(1);
    assertThat(Duration.ofNanos(System.nanoTime() - killed))
        .as("the lease, and the time of this machine")
        .isLessThan(LoadNode.LEASE.plusSeconds(10));
  }

  private static int loads(List<Node> all, String key) {
    all.forEach(node -> node.send("get " + key));
    int loads = 0;
    Set<String> values = new java.util.HashSet<>();
    for (Node node : all) {
      String[] words = node.readLine(PATIENCE).split(" ", -1);
      loads += Integer.parseInt(words[1]);
      values.addAll(Set.of(words[2].split(",", -1)));
    }
    assertThat(values).as("one value for all").hasSize(1);
    return loads;
  }
}
