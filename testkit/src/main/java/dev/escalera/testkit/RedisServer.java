package dev.escalera.testkit;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A Redis server of our own on the loopback address, empty at its start and without persistence:
 * alone, or one of a {@link RedisCluster} or a {@link RedisSentinel}.
 *
 * <p>It runs the {@code redis-server} of the {@code PATH}, or else the one that the {@code
 * embedded-redis} artifact ships. Instances may be used by several threads; {@link #restart()},
 * {@link #kill()} and {@link #close()} by one at a time.
 */
public final class RedisServer implements AutoCloseable {
  private static final Duration START_TIMEOUT = Duration.ofSeconds(20);
  private static final Duration COMMAND_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration LOOK_TIMEOUT = Duration.ofSeconds(1);

  private final RedisRole role;
  private final List<String> options;
  private final int port;
  private volatile ServerProcess process;

  private RedisServer(RedisRole role, List<String> options, int port, ServerProcess process) {
    this.role = role;
    this.options = options;
    this.port = port;
    this.process = process;
  }

  /**
   * Starts a server and returns once it answers.
   *
   * @param options further options of {@code redis-server}, such as {@code "--maxmemory", "1mb"}
   * @return the running server
   * @throws TestkitException if no server can be started
   */
  public static RedisServer start(String... options) {
    return start(RedisRole.STANDALONE, List.of(options));
  }

  static RedisServer start(RedisRole role, List<String> options) {
    return ServerProcess.startOnFreePort(
        role::takes,
        port ->
            new RedisServer(role, options, port, launch(role, options, port, Optional.empty())));
  }

  /**
   * Returns the address as a Redis URI.
   *
   * @return such as {@code redis://127.0.0.1:6379}
   */
  public String uri() {
    return "redis://" + host() + ":" + port;
  }

  /**
   * Returns the host that the server listens on.
   *
   * @return the loopback address
   */
  public String host() {
    return ServerProcess.HOST;
  }

  /**
   * Returns the port that the server listens on; it stays the same over {@link #restart()}.
   *
   * @return a TCP port
   */
  public int port() {
    return port;
  }

  /**
   * Returns whether the process lives, paused or not.
   *
   * @return false after {@link #kill()} and {@link #close()}, or if the server ended by itself
   */
  public boolean isAlive() {
    return process.isAlive();
  }

  /**
   * Stops the process where it stands (SIGSTOP): connections stay open and nothing answers, until
   * {@link #resume()}.
   */
  public void pause() {
    process.signal("STOP");
  }

  /** Lets a paused process go on (SIGCONT): it now also executes what reached it while it stood. */
  public void resume() {
    process.signal("CONT");
  }

  /**
   * Kills the process (SIGKILL), if it lives, and returns when it is gone; its data are lost and
   * its port refuses connections.
   */
  public void kill() {
    process.signal("KILL");
  }

  /**
   * Kills the process if it is alive and starts an empty one on the same port. A node of a {@link
   * RedisCluster} or a sentinel still knows its place among the others.
   *
   * @throws TestkitException if the server cannot be started again
   */
  public void restart() {
    kill();
    Optional<byte[]> state = role.stateFile().flatMap(process::read);
    process.close();
    process = launch(role, options, port, state);
  }

  /**
   * Sends one command as an operator would, on a connection of its own, and returns the reply: for
   * faults on the server's side, such as {@code command("CLIENT", "PAUSE", "500")} or {@code
   * command("CONFIG", "SET", "maxmemory", "1mb")}.
   *
   * @param command the command and its arguments
   * @return a String, a Long, null, or a list of them
   * @throws TestkitException if the server answers with an error, such as NOAUTH after a start with
   *     {@code --requirepass}, or not within 10 seconds
   */
  public @Nullable Object command(String... command) {
    return command(StandardCharsets.UTF_8, List.of(command));
  }

  /** The same with arguments and replies in a charset. */
  @Nullable Object command(Charset charset, List<String> command) {
    try (Resp connection = Resp.connect(port, COMMAND_TIMEOUT, charset)) {
      return connection.call(command);
    } catch (IOException e) {
      throw new TestkitException(String.join(" ", command) + " got no reply from port " + port, e);
    }
  }

  /** Whether the server answers within a second: neither dead nor paused. */
  boolean answers() {
    return process.isAlive() && answers(process.pid(), port);
  }

  /** Kills the server and removes its files. Idempotent. */
  @Override
  public void close() {
    process.close();
  }

  private static ServerProcess launch(
      RedisRole role, List<String> options, int port, Optional<byte[]> state) {
    Path folder = ServerProcess.newFolder();
    role.stateFile().ifPresent(file -> write(folder.resolve(file), state.orElse(new byte[0])));
    List<String> command = new ArrayList<>();
    command.add(RedisBinary.find(folder).toString());
    command.addAll(role.arguments());
    command.addAll(List.of("--port", String.valueOf(port), "--bind", ServerProcess.HOST));
    command.addAll(List.of("--dir", folder.toString()));
    command.addAll(options);
    ServerProcess process = ServerProcess.start("redis-server", folder, command);
    return process.awaitAnswer(START_TIMEOUT, () -> answers(process.pid(), port));
  }

  private static void write(Path file, byte[] content) {
    try {
      Files.write(file, content);
    } catch (IOException e) {
      throw new TestkitException("cannot write " + file, e);
    }
  }

  /** Whether the process that answers on the port is ours and not a stranger. */
  private static boolean answers(long pid, int port) {
    try (Resp connection = Resp.connect(port, LOOK_TIMEOUT)) {
      return connection.call(List.of("INFO", "server")) instanceof String info
          && info.contains("\nprocess_id:" + pid + "\r\n");
    } catch (TestkitException e) {
      // With a password of its own, a server says no more than that.
      return String.valueOf(e.getMessage()).contains("NOAUTH");
    } catch (IOException e) {
      return false;
    }
  }
}
