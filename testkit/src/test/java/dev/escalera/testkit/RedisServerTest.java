package dev.escalera.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisCommandTimeoutException;
import io.lettuce.core.RedisCredentials;
import io.lettuce.core.RedisCredentialsProvider;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import org.junit.jupiter.api.Test;

@WithRedis
class RedisServerTest {
  @Test
  void a_server_answers_as_soon_as_it_is_started() {
    try (RedisServer server = RedisServer.start();
        Connected redis = new Connected(server)) {
      assertThat(redis.commands.ping()).isEqualTo("PONG");
      assertThat(redis.commands.dbsize()).isZero();
    }
  }

  @Test
  void options_reach_the_server() {
    try (RedisServer server = RedisServer.start("--maxmemory", "1mb");
        Connected redis = new Connected(server)) {
      assertThatThrownBy(() -> redis.commands.set("key", "value".repeat(1_000_000)))
          .isInstanceOf(RedisCommandExecutionException.class)
          .hasMessageStartingWith("OOM");
    }
  }

  @Test
  void a_server_with_a_password_starts() {
    try (RedisServer server = RedisServer.start("--requirepass", "secret")) {
      RedisURI uri = RedisURI.create(server.uri());
      uri.setCredentialsProvider(
          RedisCredentialsProvider.from(() -> RedisCredentials.just(null, "secret")));
      RedisClient client = RedisClient.create(uri);
      assertThat(client.connect().sync().ping()).isEqualTo("PONG");
      Clients.end(client);
      assertThatThrownBy(() -> server.command("PING"))
          .isInstanceOf(TestkitException.class)
          .hasMessageContaining("NOAUTH");
    }
  }

  @Test
  void an_interrupted_thread_closes_what_it_started() {
    RedisServer server = RedisServer.start();
    Thread.currentThread().interrupt();

    server.close();

    assertThat(Thread.interrupted()).isTrue();
    assertThat(server.isAlive()).isFalse();
  }

  @Test
  void a_dead_server_can_be_killed() {
    try (RedisServer server = RedisServer.start()) {
      server.kill();
      server.kill();
      assertThat(server.isAlive()).isFalse();
    }
  }

  @Test
  void an_option_that_redis_refuses_is_reported_with_its_words() {
    assertThatThrownBy(() -> RedisServer.start("--no-such-option", "1"))
        .isInstanceOf(TestkitException.class)
        .hasMessageContaining("no-such-option");
  }

  @Test
  void a_paused_server_times_out_and_executes_later_what_reached_it() {
    try (RedisServer server = RedisServer.start();
        Connected redis = new Connected(server);
        Connected other = new Connected(server)) {
      redis.connection.setTimeout(Duration.ofMillis(200));
      redis.commands.set("counter", "0");

      server.pause();
      assertThatThrownBy(() -> redis.commands.incr("counter"))
          .isInstanceOf(RedisCommandTimeoutException.class);
      server.resume();

      assertThat(other.commands.get("counter")).isEqualTo("1");
    }
  }

  @Test
  void a_restarted_server_is_empty_and_keeps_its_port() {
    try (RedisServer server = RedisServer.start()) {
      int port = server.port();
      try (Connected redis = new Connected(server)) {
        redis.commands.set("key", "value");
      }

      server.restart();

      assertThat(server.port()).isEqualTo(port);
      try (Connected redis = new Connected(server)) {
        assertThat(redis.commands.get("key")).isNull();
      }
    }
  }

  @Test
  void a_killed_server_refuses_connections() {
    try (RedisServer server = RedisServer.start()) {
      server.kill();
      assertThatThrownBy(() -> new Socket(server.host(), server.port()).close())
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void closing_twice_is_harmless() {
    RedisServer server = RedisServer.start();
    server.close();
    server.close();
    assertThatThrownBy(() -> new Socket(server.host(), server.port()).close())
        .isInstanceOf(IOException.class);
  }

  @Test
  void the_extension_hands_out_a_server_and_a_client_of_it(RedisServer server, RedisClient client) {
    try (StatefulRedisConnection<String, String> connection = client.connect();
        Connected redis = new Connected(server)) {
      connection.sync().set("key", "value");
      assertThat(redis.commands.get("key")).isEqualTo("value");
    }
  }

  @Test
  void the_embedded_binary_is_chosen_by_platform() {
    assertThat(RedisBinary.resource("Linux", "amd64"))
        .isEqualTo("redis-server-6.2.6-v5-linux-amd64");
    assertThat(RedisBinary.resource("Linux", "aarch64"))
        .isEqualTo("redis-server-6.2.7-linux-arm64");
    assertThat(RedisBinary.resource("Mac OS X", "x86_64"))
        .isEqualTo("redis-server-6.2.6-v5-darwin-amd64");
    assertThat(RedisBinary.resource("Mac OS X", "aarch64"))
        .isEqualTo("redis-server-6.2.6-v5-darwin-arm64");
    assertThatThrownBy(() -> RedisBinary.resource("Solaris", "sparc"))
        .isInstanceOf(TestkitException.class)
        .hasMessage("no embedded Redis for Solaris on sparc: put a redis-server on the PATH");
  }

  @Test
  void every_embedded_binary_is_on_the_class_path() {
    for (String os : new String[] {"Linux", "Mac OS X"}) {
      for (String arch : new String[] {"amd64", "aarch64"}) {
        assertThat(RedisServerTest.class.getResource("/" + RedisBinary.resource(os, arch)))
            .isNotNull();
      }
    }
  }

  /** A client and a connection that end together. */
  private static final class Connected implements AutoCloseable {
    private final RedisClient client;
    private final StatefulRedisConnection<String, String> connection;
    private final RedisCommands<String, String> commands;

    Connected(RedisServer server) {
      client = RedisClient.create(server.uri());
      connection = client.connect();
      commands = connection.sync();
    }

    @Override
    public void close() {
      client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
    }
  }
}
