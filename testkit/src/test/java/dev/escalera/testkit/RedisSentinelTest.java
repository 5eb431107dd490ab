package dev.escalera.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RedisSentinelTest {
  private RedisSentinel sentinel;
  private RedisClient client;

  @BeforeAll
  void start() {
    sentinel = RedisSentinel.start();
    client = RedisClient.create(Clients.uri(sentinel.uri()));
  }

  @AfterAll
  void stop() {
    Clients.end(client);
    sentinel.close();
  }

  @Test
  void a_client_finds_the_primary_through_the_sentinels() {
    client.connect().sync().set("key", "value");

    assertThat(sentinel.primary().command("GET", "key")).isEqualTo("value");
    assertThat(sentinel.servers()).hasSize(3).contains(sentinel.primary());
    assertThat(sentinel.sentinels()).hasSize(3);
  }

  @Test
  void an_orderly_failover_under_load_is_followed_by_the_client() {
    try (Load load = new Load(client.connect().sync()::incr)) {
      load.awaitFurther(100);
      RedisServer before = sentinel.primary();

      RedisServer after = sentinel.failover();

      load.awaitFurther(100);
      assertThat(after).isNotSameAs(before).isSameAs(sentinel.primary());
      assertThat(after.command("ROLE")).asString().startsWith("[master");
    }
  }

  @Test
  void two_failovers_can_be_ordered_at_once() {
    RedisServer first = sentinel.failover();
    RedisServer second = sentinel.failover();
    assertThat(second).isNotSameAs(first).isSameAs(sentinel.primary());
  }

  @Test
  void a_failover_that_is_given_up_is_ordered_again() {
    RedisServer before = sentinel.primary();
    timeout("1");
    CompletableFuture<Void> givenUp =
        CompletableFuture.runAsync(
            () -> {
              RedisServer leader = sentinel.sentinels().get(0);
              Until.holds("a failover", () -> flags(leader).contains("failover_in_progress"));
              Until.holds("that is given up", () -> flags(leader).equals("master"));
              timeout("4000");
            });
    assertThat(sentinel.failover()).isNotSameAs(before).isSameAs(sentinel.primary());
    givenUp.join();
  }

  private void timeout(String millis) {
    sentinel
        .sentinels()
        .forEach(each -> each.command("SENTINEL", "SET", "escalera", "failover-timeout", millis));
  }

  private static String flags(RedisServer sentinel) {
    return sentinel.command("SENTINEL", "MASTER", "escalera") instanceof List<?> fields
        ? String.valueOf(fields.get(fields.indexOf("flags") + 1))
        : "none";
  }

  @Test
  void a_killed_primary_is_replaced_and_comes_back_as_a_replica() {
    try (Load load = new Load(client.connect().sync()::incr)) {
      load.awaitFurther(100);
      RedisServer before = sentinel.primary();

      before.kill();
      RedisServer after = sentinel.awaitPrimaryOtherThan(before);

      assertThat(after).isNotSameAs(before);
      load.awaitFurther(100);
      before.restart();
      Until.holds("the old primary as a replica", () -> tells(before, "role:slave"));
      Until.holds("its link to the new primary", () -> tells(before, "master_link_status:up"));
    }
  }

  private static boolean tells(RedisServer server, String what) {
    try {
      return String.valueOf(server.command("INFO", "replication")).contains(what);
    } catch (TestkitException e) {
      // A sentinel cuts all connections to what it demotes.
      return false;
    }
  }

  @Test
  void a_replica_refuses_writes() {
    RedisServer primary = sentinel.primary();
    RedisServer replica =
        sentinel.servers().stream().filter(server -> server != primary).findFirst().orElseThrow();
    RedisClient toReplica = RedisClient.create(replica.uri());
    try {
      assertThatThrownBy(() -> toReplica.connect().sync().set("key", "value"))
          .isInstanceOf(RedisCommandExecutionException.class)
          .hasMessageStartingWith("READONLY");
    } finally {
      Clients.end(toReplica);
    }
  }
}
