package dev.escalera.testkit;

import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A TCP proxy on the loopback address in front of one server, whose network can be made slow,
 * silent or broken while connections are open. It knows no protocol, so it serves Redis, the
 * Firestore emulator and TLS alike.
 *
 * <p>A fault holds for the connections that are open and for those that come, until {@link #heal()}
 * or another fault of the same kind; faults of different kinds add up. Bytes are never reordered.
 * What a peer had sent when it closed its end is still delivered, as on a real network: a request
 * whose sender gave up while it was {@link #freeze() frozen} reaches the server after {@link
 * #heal()}.
 *
 * <p>Instances may be used by several threads. The proxy adds about 0.1 ms to a round trip.
 */
public final class FaultProxy implements AutoCloseable {
  /** A way through the proxy. */
  public enum Direction {
    /** From the client to the server. */
    REQUESTS,
    /** From the server to the client. */
    REPLIES
  }

  private final InetSocketAddress target;
  private final int port;
  private final Faults faults = new Faults();
  private final Set<ProxyConnection> connections = ConcurrentHashMap.newKeySet();
  private final Object listening = new Object();
  private ProxyListener listener;
  private boolean closed;

  private FaultProxy(InetSocketAddress target) {
    this.target = target;
    this.listener = listen(0);
    this.port = listener.port();
  }

  /**
   * Opens a proxy that passes everything on to a server; the server need not run yet.
   *
   * @param host the host of the server
   * @param port its TCP port
   * @return a proxy that listens on a free port
   * @throws TestkitException if no port can be had
   */
  public static FaultProxy to(String host, int port) {
    return new FaultProxy(new InetSocketAddress(host, port));
  }

  /**
   * Opens a proxy in front of a Redis server.
   *
   * @param server a server of ours
   * @return a proxy that listens on a free port
   * @throws TestkitException if no port can be had
   */
  public static FaultProxy to(RedisServer server) {
    return to(server.host(), server.port());
  }

  /**
   * Opens a proxy in front of a Firestore emulator; {@link FirestoreEmulator#openClient(String,
   * FaultProxy)} gives clients that go through it.
   *
   * @param emulator an emulator
   * @return a proxy that listens on a free port
   * @throws TestkitException if no port can be had
   */
  public static FaultProxy to(FirestoreEmulator emulator) {
    return to(emulator.host(), emulator.port());
  }

  /**
   * Returns the host that the proxy listens on.
   *
   * @return the loopback address
   */
  public String host() {
    return ServerProcess.HOST;
  }

  /**
   * Returns the port that the proxy listens on; it stays the same over {@link #refuse()}.
   *
   * @return a TCP port
   */
  public int port() {
    return port;
  }

  /**
   * Returns the address of the proxy, as the Firestore emulator's is written.
   *
   * @return {@code host:port}
   */
  public String hostPort() {
    return host() + ":" + port;
  }

  /**
   * Returns the address of the proxy as a Redis URI.
   *
   * @return such as {@code redis://127.0.0.1:6379}
   */
  public String redisUri() {
    return "redis://" + hostPort();
  }

  /**
   * Delays every byte by a time in each direction, so a round trip by twice that.
   *
   * @param delay the one-way delay, not negative
   * @throws IllegalArgumentException if {@code delay} is negative
   */
  public void latency(Duration delay) {
    if (delay.isNegative()) {
      throw new IllegalArgumentException("delay must not be negative but is " + delay);
    }
    faults.latency(delay.toNanos());
  }

  /**
   * Lets at most a number of bytes pass in a second, counted for each connection and direction.
   *
   * @param bytesPerSecond a positive number
   * @throws IllegalArgumentException if {@code bytesPerSecond} is not positive
   */
  public void bandwidth(long bytesPerSecond) {
    if (bytesPerSecond <= 0) {
      throw new IllegalArgumentException(
          "bytesPerSecond must be positive but is " + bytesPerSecond);
    }
    faults.bandwidth(bytesPerSecond);
  }

  /**
   * Holds every byte back in both directions: connections stay open, new ones are accepted, and
   * nothing answers. {@link #heal()} delivers what was held.
   */
  public void freeze() {
    faults.freeze(Direction.REQUESTS);
    faults.freeze(Direction.REPLIES);
  }

  /**
   * Holds every byte of one direction back: frozen {@code REQUESTS} are not executed until {@link
   * #heal()}, frozen {@code REPLIES} belong to requests that were.
   *
   * @param direction the direction that stands still
   */
  public void freeze(Direction direction) {
    faults.freeze(direction);
  }

  /**
   * Lets requests pass and throws their replies away: the server applies what the client never
   * hears of. Since TCP never loses bytes of a living connection, {@link #heal()} resets each
   * connection that lost some.
   */
  public void dropReplies() {
    faults.dropReplies();
  }

  /**
   * Resets each connection once it has let a number of further bytes pass in one direction.
   *
   * @param direction the direction whose bytes count
   * @param bytes how many pass, counted from now or from the opening of the connection; the reset
   *     comes with the first byte after them, so 0 cuts before the next one
   * @throws IllegalArgumentException if {@code bytes} is negative
   */
  public void cutAfter(Direction direction, long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("bytes must not be negative but is " + bytes);
    }
    faults.cutAfter(direction, bytes);
  }

  /**
   * Refuses new connections, as a port does on which nothing listens. Open connections go on; add
   * {@link #reset()} for a server that is gone.
   */
  public void refuse() {
    synchronized (listening) {
      listener.close();
    }
  }

  /** Ends every open connection by RST, at once and in both directions. */
  public void reset() {
    opened().forEach(ProxyConnection::reset);
  }

  /** Ends every open connection in order, by FIN, in both directions. */
  public void disconnect() {
    opened().forEach(ProxyConnection::disconnect);
  }

  /**
   * Ends every fault: what was held is delivered, new connections are accepted again.
   *
   * @throws TestkitException if another process has taken the port while it was refused
   */
  public void heal() {
    // First the faults: what is damaged after that look is reset by the connection itself.
    faults.clear();
    connections.forEach(ProxyConnection::resetIfDamaged);
    synchronized (listening) {
      if (!closed && listener.isClosed()) {
        listener = listen(port);
      }
    }
  }

  /**
   * Returns how many connections are open.
   *
   * @return the connections that neither side has ended
   */
  public int openConnections() {
    return connections.size();
  }

  /** Resets every connection and stops listening. Idempotent. */
  @Override
  public void close() {
    synchronized (listening) {
      closed = true;
      listener.close();
    }
    reset();
    faults.clear();
  }

  /** The connections that clients had opened when this was called, with those in the backlog. */
  private Set<ProxyConnection> opened() {
    synchronized (listening) {
      listener.awaitBacklog();
    }
    return connections;
  }

  private ProxyListener listen(int listenPort) {
    return ProxyListener.open(listenPort, this::accept);
  }

  private void accept(Socket client) {
    ProxyConnection connection = new ProxyConnection(client, faults, connections::remove);
    connections.add(connection);
    connection.open(target);
  }
}
