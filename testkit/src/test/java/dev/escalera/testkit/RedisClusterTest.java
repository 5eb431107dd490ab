package dev.escalera.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.ClusterTopologyRefreshOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import io.lettuce.core.cluster.api.sync.RedisAdvancedClusterCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RedisClusterTest {
  private RedisCluster cluster;
  private RedisClusterClient client;
  private RedisAdvancedClusterCommands<String, String> redis;

  @BeforeAll
  void start() {
    cluster = RedisCluster.start();
    client = RedisClusterClient.create(cluster.uris().stream().map(Clients::uri).toList());
    client.setOptions(
        ClusterClientOptions.builder()
            .topologyRefreshOptions(
                ClusterTopologyRefreshOptions.builder()
                    .adaptiveRefreshTriggersTimeout(Duration.ofMillis(100))
                    .build())
            .build());
    redis = client.connect().sync();
  }

  @AfterAll
  void stop() {
    Clients.end(client);
    cluster.close();
  }

  @Test
  void keys_are_spread_over_three_primaries() {
    for (int i = 0; i < 300; i++) {
      redis.set("spread:" + i, "value");
    }

    assertThat(cluster.nodes()).hasSize(6);
    assertThat(cluster.primaries())
        .hasSize(3)
        .allSatisfy(node -> assertThat((Long) node.command("DBSIZE")).isGreaterThan(50));
  }

  @Test
  void a_slot_moves_under_load_with_its_keys_and_without_losing_a_write() {
    int slot = cluster.slotOf("{moving}");
    for (int i = 0; i < 250; i++) {
      redis.set("{moving}:" + i, "value-" + i);
    }
    RedisServer source = cluster.primaryOf(slot);
    RedisServer target =
        cluster.primaries().stream().filter(node -> node != source).findFirst().orElseThrow();
    try (Load load = new Load(key -> redis.incr("{moving}:" + key))) {
      load.awaitFurther(100);

      cluster.moveSlot(slot, target);

      load.awaitFurther(100);
      assertThat(cluster.primaryOf(slot)).isSameAs(target);
      load.stop();
      assertThat(redis.get("{moving}:load")).isEqualTo(String.valueOf(load.succeeded()));
    }
    for (int i = 0; i < 250; i++) {
      assertThat(redis.get("{moving}:" + i)).isEqualTo("value-" + i);
    }
    assertThat(source.command("CLUSTER", "COUNTKEYSINSLOT", String.valueOf(slot))).isEqualTo(0L);
  }

  @Test
  void keys_that_are_no_text_move_too() {
    byte[] key = new byte[] {'{', 'b', '}', (byte) 0xff, (byte) 0xc3, 0, '\r', '\n'};
    RedisServer source = cluster.primaryOf(cluster.slotOf("{b}"));
    RedisServer target =
        cluster.primaries().stream().filter(node -> node != source).findFirst().orElseThrow();
    try (StatefulRedisClusterConnection<byte[], byte[]> connection =
        client.connect(ByteArrayCodec.INSTANCE)) {
      connection.sync().set(key, key);

      cluster.moveSlot(cluster.slotOf("{b}"), target);

      assertThat(connection.sync().get(key)).isEqualTo(key);
    }
  }

  @Test
  void a_paused_node_does_not_blind_the_cluster() {
    RedisServer paused = cluster.nodes().get(0);
    paused.pause();
    try {
      Until.holds(
          "two primaries and the one that took over",
          () -> cluster.primaries().size() == 3 && !cluster.primaries().contains(paused));
      cluster.awaitOk();
    } finally {
      paused.resume();
    }
    Until.holds(
        "its return as a replica", () -> String.valueOf(paused.command("ROLE")).startsWith("["));
    cluster.awaitOk();
  }

  @Test
  void an_orderly_failover_loses_nothing() {
    redis.set("kept", "value");
    RedisServer before = cluster.primaryOf(cluster.slotOf("kept"));
    try (Load load = new Load(redis::incr)) {
      load.awaitFurther(50);

      RedisServer after = cluster.failover(before);

      load.awaitFurther(50);
      assertThat(cluster.primaryOf(cluster.slotOf("kept"))).isSameAs(after);
      assertThat(cluster.replicaOf(after)).isSameAs(before);
      assertThat(redis.get("kept")).isEqualTo("value");
    }
  }

  @Test
  void a_killed_primary_is_replaced_by_its_replica_and_comes_back_as_one() {
    RedisServer before = cluster.primaryOf(cluster.slotOf("load"));
    RedisServer replica = cluster.replicaOf(before);
    try (Load load = new Load(redis::incr)) {
      load.awaitFurther(50);

      assertThat(cluster.kill(before)).isSameAs(replica);

      assertThat(cluster.primaryOf(cluster.slotOf("load"))).isSameAs(replica);
      load.awaitFurther(50);
      before.restart();
      Until.holds(
          "its return as a replica",
          () -> String.valueOf(before.command("ROLE")).startsWith("[slave"));
      cluster.awaitOk();
      assertThat(cluster.replicaOf(replica)).isSameAs(before);
    }
  }

  @Test
  void a_slot_that_moves_to_where_it_is_stays() {
    RedisServer owner = cluster.primaryOf(7);
    cluster.moveSlot(7, owner);
    assertThat(cluster.primaryOf(7)).isSameAs(owner);
  }

  @Test
  void a_stranger_has_no_replica() {
    try (RedisServer stranger = RedisServer.start()) {
      assertThatThrownBy(() -> cluster.replicaOf(stranger))
          .isInstanceOf(TestkitException.class)
          .hasMessageContaining("has no replica");
    }
  }
}
