package dev.escalera.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A standalone Redis server of our own on the loopback address, empty at its start and without
 * persistence.
 *
 * <p>It runs the {@code redis-server} of the {@code PATH}, or else the one that the {@code
 * embedded-redis} artifact ships. Instances may be used by several threads; {@link #restart()},
 * {@link #kill()} and {@link #close()} by one at a time.
 */
public final class RedisServer implements AutoCloseable {
  private static final Duration START_TIMEOUT = Duration.ofSeconds(20);
  private static final int START_ATTEMPTS = 5;

  private final List<String> options;
  private final int port;
  private ServerProcess process;

  private RedisServer(List<String> options, int port, ServerProcess process) {
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
    List<String> kept = List.of(options);
    for (int attempt = 1; ; attempt++) {
      int port = ServerProcess.freePort();
      try {
        return new RedisServer(kept, port, launch(kept, port));
      } catch (TestkitException e) {
        // Another process may have taken the port between our look and the server's bind.
        if (attempt == START_ATTEMPTS) {
          throw e;
        }
      }
    }
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
   * Kills the process (SIGKILL) and returns when it is gone; its data are lost and its port refuses
   * connections.
   */
  public void kill() {
    process.signal("KILL");
  }

  /**
   * Kills the process if it is alive and starts an empty one on the same port.
   *
   * @throws TestkitException if the server cannot be started again
   */
  public void restart() {
    process.close();
    process = launch(options, port);
  }

  /** Kills the server and removes its files. Idempotent. */
  @Override
  public void close() {
    process.close();
  }

  private static ServerProcess launch(List<String> options, int port) {
    Path folder = ServerProcess.newFolder();
    List<String> command = new ArrayList<>();
    command.add(RedisBinary.find(folder).toString());
    command.addAll(List.of("--port", String.valueOf(port), "--bind", ServerProcess.HOST));
    command.addAll(List.of("--save", "", "--appendonly", "no", "--dir", folder.toString()));
    command.addAll(options);
    ServerProcess process = ServerProcess.start("redis-server", folder, command);
    try {
      awaitReady(process, port);
    } catch (TestkitException e) {
      process.close();
      throw e;
    }
    return process;
  }

  private static void awaitReady(ServerProcess process, int port) {
    long deadline = System.nanoTime() + START_TIMEOUT.toNanos();
    while (!answers(process.pid(), port)) {
      if (!process.isAlive()) {
        throw new TestkitException("redis-server ended while it started: " + process.log());
      }
      if (System.nanoTime() - deadline > 0) {
        throw new TestkitException(
            "redis-server did not answer within " + START_TIMEOUT + ": " + process.log());
      }
      ServerProcess.pause();
    }
  }

  /** Whether the process that answers on the port is ours and not a stranger. */
  private static boolean answers(long pid, int port) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1_000);
      socket.setSoTimeout(1_000);
      socket.getOutputStream().write("INFO server\r\nQUIT\r\n".getBytes(StandardCharsets.US_ASCII));
      try (InputStream in = socket.getInputStream()) {
        String reply = new String(in.readAllBytes(), StandardCharsets.US_ASCII);
        return reply.contains("\nprocess_id:" + pid + "\r\n");
      }
    } catch (IOException e) {
      return false;
    }
  }
}
