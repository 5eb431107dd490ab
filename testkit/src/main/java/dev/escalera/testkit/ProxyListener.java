package dev.escalera.testkit;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** The port that a {@link FaultProxy} listens on, with the thread that accepts its clients. */
final class ProxyListener implements AutoCloseable {
  private static final int BACKLOG = 256;
  private static final int TIMEOUT_MILLIS = 5_000;

  private final ServerSocket socket;
  private final Thread accepting;
  private final Map<SocketAddress, CountDownLatch> ours = new ConcurrentHashMap<>();

  private ProxyListener(ServerSocket socket, Consumer<Socket> onClient) {
    this.socket = socket;
    this.accepting =
        ProxyConnection.daemon("accept-" + socket.getLocalPort(), () -> acceptAll(onClient));
  }

  /** Listens on a port, or on a free one if it is 0; {@code onClient} must not wait. */
  static ProxyListener open(int port, Consumer<Socket> onClient) {
    try {
      ServerSocket socket = new ServerSocket();
      socket.setReuseAddress(true);
      try {
        socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), BACKLOG);
      } catch (IOException e) {
        socket.close();
        throw e;
      }
      return new ProxyListener(socket, onClient);
    } catch (IOException e) {
      throw new TestkitException("the proxy cannot listen on port " + port, e);
    }
  }

  int port() {
    return socket.getLocalPort();
  }

  boolean isClosed() {
    return socket.isClosed();
  }

  /**
   * Returns once all clients that were connected before have been accepted: the queue is served in
   * order, so one of our own at its end shows it.
   */
  void awaitBacklog() {
    if (isClosed()) {
      return;
    }
    CountDownLatch accepted = new CountDownLatch(1);
    try (Socket last = new Socket()) {
      last.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      SocketAddress address = last.getLocalSocketAddress();
      ours.put(address, accepted);
      last.connect(socket.getLocalSocketAddress(), TIMEOUT_MILLIS);
      if (!accepted.await(TIMEOUT_MILLIS, TimeUnit.MILLISECONDS)) {
        throw new TestkitException("the proxy on port " + port() + " accepts no connection");
      }
    } catch (IOException e) {
      throw new TestkitException("the proxy on port " + port() + " cannot reach itself", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TestkitException("interrupted while waiting for the proxy's backlog", e);
    }
  }

  /** Refuses clients from now on; those that were accepted have been handed on. Idempotent. */
  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new TestkitException("cannot close the listening socket " + socket, e);
    }
    boolean interrupted = false;
    while (accepting.isAlive()) {
      try {
        accepting.join();
      } catch (InterruptedException e) {
        // It ends at once; the interruption is for what comes after.
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void acceptAll(Consumer<Socket> onClient) {
    while (!socket.isClosed()) {
      try {
        accept(socket.accept(), onClient);
      } catch (IOException e) {
        // Closed by us, or the client gave up while it was being accepted.
      }
    }
  }

  private void accept(Socket client, Consumer<Socket> onClient) throws IOException {
    CountDownLatch waiting = ours.remove(client.getRemoteSocketAddress());
    if (waiting == null) {
      onClient.accept(client);
    } else {
      client.close();
      waiting.countDown();
    }
  }
}
