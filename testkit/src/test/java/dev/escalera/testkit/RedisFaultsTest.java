package dev.escalera.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lettuce.core.RedisBusyException;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisCommandTimeoutException;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisNoScriptException;
import io.lettuce.core.RedisReadOnlyException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import java.time.Duration;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What each fault on the server's side does to Lettuce. */
class RedisFaultsTest {
  private static final Duration SHORT = Duration.ofMillis(200);

  private RedisServer server;
  private RedisClient client;
  private StatefulRedisConnection<String, String> connection;
  private RedisCommands<String, String> redis;
  private long incremented;

  @BeforeEach
  void start() {
    server = RedisServer.start();
    client = RedisClient.create(server.uri());
    connection = client.connect();
    redis = connection.sync();
    redis.set("counter", "0");
  }

  @AfterEach
  void stop() {
    Clients.end(client);
    server.close();
  }

  @Test
  void paused_clients_time_out_and_their_commands_are_applied_later() {
    connection.setTimeout(SHORT);
    server.command("CLIENT", "PAUSE", "1000");

    assertThatThrownBy(() -> redis.incr("counter"))
        .isInstanceOf(RedisCommandTimeoutException.class);

    Until.holds("the late increment", () -> "1".equals(server.command("GET", "counter")));
  }

  @Test
  void a_sleeping_server_times_out_and_applies_later() {
    connection.setTimeout(SHORT);
    try {
      server.command("DEBUG", "SLEEP", "0");
    } catch (TestkitException e) {
      Assumptions.abort("this Redis wants --enable-debug-command: " + e.getMessage());
    }
    Thread sleeper = new Thread(() -> server.command("DEBUG", "SLEEP", "1"), "sleeper");
    sleeper.start();

    Until.holds("a time-out", this::incrementTimesOut);

    long applied = incremented;
    Until.holds(
        "the late increment", () -> ("" + applied).equals(server.command("GET", "counter")));
  }

  private boolean incrementTimesOut() {
    incremented++;
    try {
      return redis.incr("counter") < 0;
    } catch (RedisCommandTimeoutException e) {
      return true;
    }
  }

  @Test
  void a_full_server_refuses_writes_and_serves_reads() {
    server.command("CONFIG", "SET", "maxmemory", "1");

    assertThatThrownBy(() -> redis.set("key", "value"))
        .isInstanceOf(RedisCommandExecutionException.class)
        .hasMessageStartingWith("OOM");
    assertThat(redis.get("counter")).isEqualTo("0");
  }

  @Test
  void a_replica_refuses_writes() {
    server.command("REPLICAOF", "127.0.0.1", String.valueOf(ServerProcess.freePort()));

    assertThatThrownBy(() -> redis.incr("counter")).isInstanceOf(RedisReadOnlyException.class);
  }

  @Test
  void a_server_in_an_endless_script_is_busy_until_the_script_is_killed() {
    server.command("CONFIG", "SET", "lua-time-limit", "50");
    client.connect().async().eval("while true do end", ScriptOutputType.STATUS);

    Until.holds("BUSY", this::isBusy);
    server.command("SCRIPT", "KILL");

    // The script ends at its next look, which may come after the answer to the kill.
    Until.holds("the end of the script", () -> !isBusy());
    assertThat(redis.incr("counter")).isEqualTo(1);
  }

  private boolean isBusy() {
    try {
      redis.get("counter");
      return false;
    } catch (RedisBusyException e) {
      return true;
    }
  }

  @Test
  void flushed_scripts_are_unknown() {
    String digest = redis.scriptLoad("return 'done'");
    assertThat(redis.<String>evalsha(digest, ScriptOutputType.VALUE)).isEqualTo("done");

    server.command("SCRIPT", "FLUSH");

    assertThatThrownBy(() -> redis.evalsha(digest, ScriptOutputType.VALUE))
        .isInstanceOf(RedisNoScriptException.class);
  }

  @Test
  void three_increments_that_timed_out_are_all_applied_when_the_process_goes_on() {
    connection.setTimeout(SHORT);
    server.pause();
    for (int i = 0; i < 3; i++) {
      assertThatThrownBy(() -> redis.incr("counter"))
          .isInstanceOf(RedisCommandTimeoutException.class);
    }
    assertThat(connection.isOpen()).isTrue();

    server.resume();

    Until.holds("the late increments", () -> "3".equals(server.command("GET", "counter")));
  }

  @Test
  void a_killed_server_ends_connections_and_a_restarted_one_is_found_again() {
    connection.setTimeout(SHORT);
    server.kill();
    Until.holds("the end of the connection", () -> !connection.isOpen());
    assertThat(server.isAlive()).isFalse();

    server.restart();

    Until.holds("a new connection", this::answers);
    assertThat(redis.get("counter")).isNull();
  }

  private boolean answers() {
    try {
      return "PONG".equals(redis.ping());
    } catch (RedisException e) {
      return false;
    }
  }

  @Test
  void a_command_that_the_server_refuses_is_reported_with_its_words() {
    assertThatThrownBy(() -> server.command("NO-SUCH-COMMAND", "1"))
        .isInstanceOf(TestkitException.class)
        .hasMessageStartingWith("NO-SUCH-COMMAND 1 failed: ERR unknown command");
  }

  @Test
  void replies_of_every_kind_are_read() {
    assertThat(server.command("SET", "text", "ü")).isEqualTo("OK");
    assertThat(server.command("GET", "text")).isEqualTo("ü");
    assertThat(server.command("GET", "absent")).isNull();
    assertThat(server.command("INCR", "counter")).isEqualTo(1L);
    assertThat(server.command("MGET", "text", "absent"))
        .asInstanceOf(InstanceOfAssertFactories.LIST)
        .containsExactly("ü", null);
  }
}
