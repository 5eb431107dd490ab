package dev.escalera.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.testkit.FaultProxy.Direction;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandTimeoutException;
import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.StringCodec;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What each fault does to Lettuce. */
@WithRedis
class FaultProxyRedisTest {
  private static final Duration SHORT = Duration.ofMillis(200);

  private final RedisClient direct;
  private final FaultProxy proxy;
  private final RedisClient throughProxy;

  FaultProxyRedisTest(RedisServer server, RedisClient direct) {
    this.direct = direct;
    this.proxy = FaultProxy.to(server);
    this.throughProxy = RedisClient.create(proxy.redisUri());
  }

  private StatefulRedisConnection<String, String> observer;

  @BeforeEach
  void emptyTheServer() {
    observer = direct.connect();
    observer.sync().flushall();
  }

  @AfterEach
  void close() {
    observer.close();
    throughProxy.shutdown(Duration.ZERO, Duration.ofSeconds(2));
    proxy.close();
  }

  @Test
  void without_a_fault_everything_passes() {
    RedisCommands<String, String> redis = throughProxy.connect().sync();
    String large = "x".repeat(3_000_000);

    redis.set("key", large);

    assertThat(redis.get("key")).isEqualTo(large);
    assertThat(proxy.openConnections()).isEqualTo(1);
  }

  @Test
  void latency_delays_each_direction() {
    RedisCommands<String, String> redis = throughProxy.connect().sync();
    proxy.latency(Duration.ofMillis(100));

    long start = System.nanoTime();
    redis.ping();

    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(199));
  }

  @Test
  void latency_does_not_limit_the_rate() throws Exception {
    StatefulRedisConnection<String, String> connection = throughProxy.connect();
    proxy.latency(Duration.ofMillis(100));

    long start = System.nanoTime();
    RedisFuture<Long> last = connection.async().incr("counter");
    for (int i = 1; i < 100; i++) {
      last = connection.async().incr("counter");
    }

    assertThat(last.get(10, TimeUnit.SECONDS)).isEqualTo(100);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
  }

  @Test
  void bandwidth_stretches_a_large_value() {
    RedisCommands<String, String> redis = throughProxy.connect().sync();
    proxy.bandwidth(1_000_000);

    long start = System.nanoTime();
    redis.set("key", "x".repeat(300_000));

    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(299));
  }

  @Test
  void a_frozen_request_times_out_on_an_open_connection_and_is_applied_later() {
    StatefulRedisConnection<String, String> connection = throughProxy.connect();
    connection.setTimeout(SHORT);
    proxy.freeze();

    assertThatThrownBy(() -> connection.sync().incr("counter"))
        .isInstanceOf(RedisCommandTimeoutException.class);
    assertThat(connection.isOpen()).isTrue();
    assertThat(observer.sync().get("counter")).isNull();
    proxy.heal();

    Until.holds("the late increment", () -> "1".equals(observer.sync().get("counter")));
  }

  @Test
  void a_request_whose_sender_has_gone_is_applied_all_the_same() {
    StatefulRedisConnection<String, String> connection = throughProxy.connect();
    proxy.freeze();
    connection.async().incr("counter");
    Until.holds("the held request", () -> proxy.openConnections() == 1);
    connection.close();
    assertThat(observer.sync().get("counter")).isNull();

    proxy.heal();

    Until.holds("the late increment", () -> "1".equals(observer.sync().get("counter")));
  }

  @Test
  void a_frozen_proxy_accepts_connections_that_nothing_answers() {
    proxy.freeze();
    RedisURI uri = RedisURI.create(proxy.redisUri());
    uri.setTimeout(SHORT);

    assertThatThrownBy(() -> throughProxy.connect(StringCodec.UTF8, uri))
        .isInstanceOf(RedisException.class)
        .hasStackTraceContaining("timed out");
  }

  @Test
  void frozen_replies_belong_to_requests_that_were_applied_and_come_late() throws Exception {
    StatefulRedisConnection<String, String> connection = throughProxy.connect();
    proxy.freeze(Direction.REPLIES);

    RedisFuture<Long> reply = connection.async().incr("counter");
    Until.holds("the increment", () -> "1".equals(observer.sync().get("counter")));
    assertThat(reply.isDone()).isFalse();
    proxy.heal();

    assertThat(reply.get(10, TimeUnit.SECONDS)).isEqualTo(1);
  }

  @Test
  void a_dropped_reply_makes_default_options_replay_a_command_that_was_applied() throws Exception {
    RedisFuture<Long> reply = dropTheReplyOfAnIncrement(throughProxy.connect());

    assertThat(reply.get(10, TimeUnit.SECONDS)).isEqualTo(2);
    assertThat(observer.sync().get("counter")).isEqualTo("2");
  }

  @Test
  void a_dropped_reply_is_not_replayed_by_a_connection_that_does_not_reconnect() {
    throughProxy.setOptions(ClientOptions.builder().autoReconnect(false).build());
    RedisFuture<Long> reply = dropTheReplyOfAnIncrement(throughProxy.connect());

    Until.holds("the end of the command", reply::isDone);
    assertThatThrownBy(reply::get).hasCauseInstanceOf(RedisException.class);
    assertThat(observer.sync().get("counter")).isEqualTo("1");
  }

  private RedisFuture<Long> dropTheReplyOfAnIncrement(
      StatefulRedisConnection<String, String> connection) {
    proxy.dropReplies();
    RedisFuture<Long> reply = connection.async().incr("counter");
    Until.holds("the increment", () -> "1".equals(observer.sync().get("counter")));
    assertThat(reply.isDone()).isFalse();
    proxy.disconnect();
    proxy.heal();
    return reply;
  }

  @Test
  void a_connection_that_lost_a_reply_is_reset_when_the_proxy_heals() {
    throughProxy.setOptions(ClientOptions.builder().autoReconnect(false).build());
    StatefulRedisConnection<String, String> connection = throughProxy.connect();
    proxy.dropReplies();
    connection.async().incr("counter");
    Until.holds("the increment", () -> "1".equals(observer.sync().get("counter")));
    // Only a reply that has come can be lost; the next one shows that it has.
    connection.async().set("key", "value");
    Until.holds("the next write", () -> "value".equals(observer.sync().get("key")));

    Until.holds(
        "the reset",
        () -> {
          proxy.heal();
          proxy.dropReplies();
          return !connection.isOpen();
        });
  }

  @Test
  void a_living_connection_has_lost_nothing_however_briefly_replies_were_dropped()
      throws Exception {
    int whole = 0;
    int reset = 0;
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    for (int i = 0; (i < 300 || whole < 10 || reset < 10) && System.nanoTime() < deadline; i++) {
      long dropNanos = TimeUnit.MICROSECONDS.toNanos(100L * (i % 30));
      if (staysWholeWhenRepliesAreDroppedFor(dropNanos)) {
        whole++;
      } else {
        reset++;
      }
    }
    assertThat(whole).as("connections that stayed whole").isPositive();
    assertThat(reset).as("connections that were damaged and reset").isPositive();
  }

  /** Whether all replies came; those that come have no gap, and a gap ends the connection. */
  private boolean staysWholeWhenRepliesAreDroppedFor(long dropNanos) throws Exception {
    int requests = 100;
    try (Socket socket = new Socket(proxy.host(), proxy.port())) {
      socket.setSoTimeout(10_000);
      BufferedReader in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
      CompletableFuture<Void> sending =
          CompletableFuture.runAsync(() -> sendIncrements(socket, requests));
      long last = Long.parseLong(in.readLine().substring(1));
      proxy.dropReplies();
      long end = System.nanoTime() + dropNanos;
      while (System.nanoTime() < end) {
        Thread.onSpinWait();
      }
      proxy.heal();
      sending.get(10, TimeUnit.SECONDS);
      for (int i = 1; i < requests; i++) {
        String reply = in.readLine();
        if (reply == null) {
          return false;
        }
        assertThat(Long.parseLong(reply.substring(1))).isEqualTo(++last);
      }
      return true;
    } catch (SocketException e) {
      return false;
    }
  }

  private static void sendIncrements(Socket socket, int requests) {
    try {
      OutputStream out = socket.getOutputStream();
      for (int i = 0; i < requests; i++) {
        // One at a time, so that the replies come in many parts.
        out.write("INCR sequence\r\n".getBytes(StandardCharsets.US_ASCII));
      }
    } catch (IOException e) {
      // Reset, which the reader sees too.
      return;
    }
  }

  @Test
  void a_reset_reaches_connections_that_are_just_being_opened() throws Exception {
    List<Socket> sockets = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      sockets.add(new Socket(proxy.host(), proxy.port()));
    }
    proxy.reset();
    for (Socket socket : sockets) {
      socket.setSoTimeout(10_000);
      assertThatThrownBy(() -> socket.getInputStream().read()).isInstanceOf(SocketException.class);
      socket.close();
    }
  }

  @Test
  void healing_ends_the_delay_of_bytes_that_are_under_way() throws Exception {
    StatefulRedisConnection<String, String> connection = throughProxy.connect();
    connection.setTimeout(Duration.ofMinutes(10));
    proxy.latency(Duration.ofMinutes(1));
    proxy.bandwidth(10);
    RedisFuture<String> late = connection.async().set("key", "x".repeat(10_000));
    Until.holds("bytes under way", () -> proxy.openConnections() == 1);

    proxy.heal();

    assertThat(late.get(10, TimeUnit.SECONDS)).isEqualTo("OK");
  }

  @Test
  void a_freeze_holds_bytes_back_that_are_under_way() throws Exception {
    StatefulRedisConnection<String, String> connection = throughProxy.connect();
    proxy.bandwidth(20_000);
    RedisFuture<String> held = connection.async().set("key", "x".repeat(10_000));
    proxy.freeze(Direction.REQUESTS);
    proxy.bandwidth(1_000_000_000);

    assertThatThrownBy(() -> held.get(300, TimeUnit.MILLISECONDS))
        .isInstanceOf(TimeoutException.class);
    assertThat(observer.sync().exists("key")).isZero();
    proxy.heal();

    assertThat(held.get(10, TimeUnit.SECONDS)).isEqualTo("OK");
  }

  @Test
  void a_reset_ends_a_command_that_waits() {
    throughProxy.setOptions(ClientOptions.builder().autoReconnect(false).build());
    StatefulRedisConnection<String, String> connection = throughProxy.connect();
    proxy.freeze();
    RedisFuture<String> reply = connection.async().get("key");

    proxy.reset();

    Until.holds("the end of the command", reply::isDone);
    assertThat(reply.toCompletableFuture()).isCompletedExceptionally();
    Until.holds("the end of the connection", () -> !connection.isOpen());
  }

  @Test
  void a_disconnected_client_sees_an_orderly_end() {
    throughProxy.setOptions(ClientOptions.builder().autoReconnect(false).build());
    StatefulRedisConnection<String, String> connection = throughProxy.connect();

    proxy.disconnect();

    Until.holds("the end of the connection", () -> !connection.isOpen());
    Until.holds("the end of both sides", () -> proxy.openConnections() == 0);
  }

  @Test
  void a_refused_client_connects_again_when_the_proxy_heals() {
    proxy.refuse();
    assertThatThrownBy(throughProxy::connect)
        .isInstanceOf(RedisConnectionException.class)
        .hasStackTraceContaining("refused");

    proxy.heal();

    assertThat(throughProxy.connect().sync().ping()).isEqualTo("PONG");
  }

  @Test
  void a_refusal_leaves_open_connections_alone() {
    RedisCommands<String, String> redis = throughProxy.connect().sync();

    proxy.refuse();

    assertThat(redis.ping()).isEqualTo("PONG");
  }

  @Test
  void a_request_that_is_cut_in_the_middle_is_not_applied() {
    throughProxy.setOptions(ClientOptions.builder().autoReconnect(false).build());
    StatefulRedisConnection<String, String> connection = throughProxy.connect();
    proxy.cutAfter(Direction.REQUESTS, 1_000);

    RedisFuture<String> reply = connection.async().set("key", "x".repeat(100_000));

    Until.holds("the end of the command", reply::isDone);
    assertThat(reply.toCompletableFuture()).isCompletedExceptionally();
    assertThat(observer.sync().exists("key")).isZero();
  }

  @Test
  void a_reply_that_is_cut_in_the_middle_belongs_to_an_applied_request() {
    throughProxy.setOptions(ClientOptions.builder().autoReconnect(false).build());
    StatefulRedisConnection<String, String> connection = throughProxy.connect();
    observer.sync().set("key", "x".repeat(100_000));
    proxy.cutAfter(Direction.REPLIES, 1_000);

    RedisFuture<String> reply = connection.async().getdel("key");

    Until.holds("the end of the command", reply::isDone);
    assertThat(reply.toCompletableFuture()).isCompletedExceptionally();
    assertThat(observer.sync().exists("key")).isZero();
  }

  @Test
  void faults_of_different_kinds_add_up_until_healed() {
    RedisCommands<String, String> redis = throughProxy.connect().sync();
    proxy.latency(Duration.ofMillis(100));
    proxy.bandwidth(1_000_000);

    long start = System.nanoTime();
    redis.set("key", "x".repeat(100_000));
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofMillis(299));

    proxy.heal();
    assertThat(redis.strlen("key")).isEqualTo(100_000);
  }

  @Test
  void a_server_that_is_gone_looks_like_a_reset() {
    RedisServer server = RedisServer.start();
    try (FaultProxy toDead = FaultProxy.to(server)) {
      server.close();
      RedisClient client = RedisClient.create(toDead.redisUri());
      assertThatThrownBy(client::connect).isInstanceOf(RedisConnectionException.class);
      client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
    }
  }

  @Test
  void bad_figures_are_refused_with_their_value() {
    assertThatThrownBy(() -> proxy.latency(Duration.ofMillis(-1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("delay must not be negative but is PT-0.001S");
    assertThatThrownBy(() -> proxy.bandwidth(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("bytesPerSecond must be positive but is 0");
    assertThatThrownBy(() -> proxy.cutAfter(Direction.REPLIES, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("bytes must not be negative but is -1");
  }
}
