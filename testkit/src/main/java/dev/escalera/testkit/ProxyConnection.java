package dev.escalera.testkit;

import dev.escalera.testkit.FaultProxy.Direction;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketAddress;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** One client's connection through a {@link FaultProxy}: a socket on either side, two ways. */
final class ProxyConnection {
  private static final int CHUNK_BYTES = 16 * 1024;
  private static final int HELD_CHUNKS = 256;
  private static final int CONNECT_TIMEOUT_MILLIS = 5_000;

  private final Socket client;
  private final Socket server = new Socket();
  private final Faults faults;
  private final Consumer<ProxyConnection> onEnd;
  private final AtomicInteger openWays = new AtomicInteger(Direction.values().length);
  private volatile boolean damaged;
  private volatile boolean disconnected;
  private volatile boolean reset;

  /** What was read at once, or nothing: the end of a way. */
  private static final class Chunk {
    private final byte[] bytes;
    private final long readNanos;

    Chunk(byte[] bytes) {
      this.bytes = bytes;
      this.readNanos = System.nanoTime();
    }

    boolean isEnd() {
      return bytes.length == 0;
    }
  }

  ProxyConnection(Socket client, Faults faults, Consumer<ProxyConnection> onEnd) {
    this.client = client;
    this.faults = faults;
    this.onEnd = onEnd;
  }

  /** Connects to the server in the background, and passes bytes from then on. */
  void open(SocketAddress target) {
    // A thread of its own: a server that does not answer must not hold up the others.
    daemon("connect-" + client.getPort(), () -> connect(target));
  }

  private void connect(SocketAddress target) {
    try {
      client.setTcpNoDelay(true);
      server.setTcpNoDelay(true);
      server.connect(target, CONNECT_TIMEOUT_MILLIS);
    } catch (IOException e) {
      // The server is not there, or we were reset: to the client both are a reset.
      reset();
      return;
    }
    start(Direction.REQUESTS, client, server);
    start(Direction.REPLIES, server, client);
    if (disconnected) {
      disconnect();
    }
  }

  /** Ends the connection by RST on both sides. Idempotent. */
  void reset() {
    reset = true;
    reset(client);
    reset(server);
    faults.wake();
    onEnd.accept(this);
  }

  void resetIfDamaged() {
    if (damaged) {
      reset();
    }
  }

  /** Ends the connection by FIN on both sides; what is still under way is thrown away. */
  void disconnect() {
    disconnected = true;
    faults.wake();
    shutdownOutput(client);
    shutdownOutput(server);
  }

  /** Closes a socket so that its peer sees RST. Idempotent. */
  static void reset(Socket socket) {
    try {
      socket.setSoLinger(true, 0);
      socket.close();
    } catch (IOException e) {
      // It is closed already, or its peer was faster.
      return;
    }
  }

  static Thread daemon(String name, Runnable task) {
    Thread thread = new Thread(task, "escalera-proxy-" + name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  private void start(Direction direction, Socket from, Socket to) {
    // Between the two ways of a chunk, so that latency delays bytes without limiting their rate.
    BlockingQueue<Chunk> held = new LinkedBlockingQueue<>(HELD_CHUNKS);
    String name = direction + "-" + client.getPort();
    daemon("read-" + name, () -> read(from, held));
    daemon("write-" + name, () -> write(direction, held, to));
  }

  private void read(Socket from, BlockingQueue<Chunk> held) {
    byte[] buffer = new byte[CHUNK_BYTES];
    try {
      int read = from.getInputStream().read(buffer);
      while (read >= 0) {
        held.put(new Chunk(Arrays.copyOf(buffer, read)));
        read = from.getInputStream().read(buffer);
      }
      held.put(new Chunk(new byte[0]));
    } catch (IOException e) {
      // RST from the peer, or we closed the socket: passed on behind what was read.
      endAfter(held);
    } catch (InterruptedException e) {
      reset();
    }
  }

  private void endAfter(BlockingQueue<Chunk> held) {
    try {
      held.put(new Chunk(new byte[0]));
    } catch (InterruptedException e) {
      reset();
    }
  }

  private void write(Direction direction, BlockingQueue<Chunk> held, Socket to) {
    Gate gate = new Gate(direction, to);
    try {
      Chunk chunk;
      do {
        chunk = held.take();
        passOrReset(gate, chunk);
      } while (!chunk.isEnd());
    } catch (InterruptedException e) {
      reset();
    }
    shutdownOutput(to);
    if (openWays.decrementAndGet() == 0) {
      close(client);
      close(server);
      onEnd.accept(this);
    }
  }

  private void passOrReset(Gate gate, Chunk chunk) throws InterruptedException {
    try {
      // Taken even at the end: the reader must not be left waiting for room.
      gate.pass(chunk);
    } catch (IOException e) {
      // The receiver is gone, so the sender shall see it.
      if (!disconnected) {
        reset();
      }
    }
  }

  private boolean hasEnded() {
    return reset || disconnected;
  }

  private static void shutdownOutput(Socket socket) {
    try {
      socket.shutdownOutput();
    } catch (IOException e) {
      // It is closed already, or its peer was faster.
      return;
    }
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new TestkitException("cannot close " + socket, e);
    }
  }

  /** What the bytes of one way have to pass; used by the writer of that way alone. */
  private final class Gate {
    private final Direction direction;
    private final Socket to;
    private long lastNanos = System.nanoTime();
    private long cutId;
    private long passed;

    Gate(Direction direction, Socket to) {
      this.direction = direction;
      this.to = to;
      // What an order counts for us begins with our own bytes.
      this.cutId = faults.cut(direction).id();
    }

    /** Passes a chunk on in parts: a fault that begins meanwhile holds for the rest. */
    void pass(Chunk chunk) throws IOException, InterruptedException {
      int sent = 0;
      do {
        int part =
            faults.awaitPassage(
                direction,
                chunk.bytes.length - sent,
                chunk.readNanos,
                lastNanos,
                ProxyConnection.this::hasEnded);
        lastNanos = System.nanoTime();
        if (hasEnded()) {
          return;
        }
        sendOrDrop(chunk.bytes, sent, part);
        sent += part;
      } while (sent < chunk.bytes.length);
    }

    private void sendOrDrop(byte[] bytes, int from, int length) throws IOException {
      if (length == 0) {
        return;
      }
      if (faults.isDropped(direction) || isDamaged()) {
        damaged = true;
        // Healed between the two looks, so before the damage was to be seen: ours to end.
        if (!faults.isDropped(direction)) {
          reset();
        }
        return;
      }
      int allowed = allowed(length);
      to.getOutputStream().write(bytes, from, allowed);
      passed += allowed;
      if (allowed < length) {
        reset();
      }
    }

    private boolean isDamaged() {
      return damaged && direction == Direction.REPLIES;
    }

    private int allowed(int length) {
      Faults.Cut cut = faults.cut(direction);
      if (cut.id() != cutId) {
        cutId = cut.id();
        passed = 0;
      }
      return (int) Math.min(length, Math.max(0, cut.bytes() - passed));
    }
  }
}
