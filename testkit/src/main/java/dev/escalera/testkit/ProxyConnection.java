package dev.escalera.testkit;

import dev.escalera.testkit.FaultProxy.Direction;
import java.io.IOException;
import java.net.Socket;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** One client's connection through a {@link FaultProxy}: a socket on either side, two ways. */
final class ProxyConnection {
  private static final int CHUNK_BYTES = 16 * 1024;
  private static final int HELD_CHUNKS = 256;
  private static final int PACED_WRITES_PER_SECOND = 50;
  private static final Chunk END = new Chunk(new byte[0], 0);

  private final Socket client;
  private final Socket server;
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

    Chunk(byte[] bytes, long readNanos) {
      this.bytes = bytes;
      this.readNanos = readNanos;
    }

    boolean isEnd() {
      return bytes.length == 0;
    }
  }

  ProxyConnection(Socket client, Socket server, Faults faults, Consumer<ProxyConnection> onEnd) {
    this.client = client;
    this.server = server;
    this.faults = faults;
    this.onEnd = onEnd;
  }

  void start() {
    start(Direction.REQUESTS, client, server);
    start(Direction.REPLIES, server, client);
  }

  /** Ends the connection by RST on both sides. Idempotent. */
  void reset() {
    reset = true;
    reset(client);
    reset(server);
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

  static void daemon(String name, Runnable task) {
    Thread thread = new Thread(task, "escalera-proxy-" + name);
    thread.setDaemon(true);
    thread.start();
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
        held.put(new Chunk(Arrays.copyOf(buffer, read), System.nanoTime()));
        read = from.getInputStream().read(buffer);
      }
      held.put(END);
    } catch (IOException e) {
      // RST from the peer, or we closed the socket: passed on behind what was read.
      endAfter(held);
    } catch (InterruptedException e) {
      reset();
    }
  }

  private void endAfter(BlockingQueue<Chunk> held) {
    try {
      held.put(END);
    } catch (InterruptedException e) {
      reset();
    }
  }

  private void write(Direction direction, BlockingQueue<Chunk> held, Socket to) {
    Gate gate = new Gate(direction);
    try {
      for (Chunk chunk = held.take(); !chunk.isEnd(); chunk = held.take()) {
        passOrReset(gate, chunk, to);
      }
      faults.awaitPassage(direction);
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

  private void passOrReset(Gate gate, Chunk chunk, Socket to) throws InterruptedException {
    if (reset || disconnected) {
      // Taken all the same: the reader must not be left waiting for room.
      return;
    }
    try {
      gate.pass(chunk, to);
    } catch (IOException e) {
      // The receiver is gone, so the sender shall see it.
      if (!disconnected) {
        reset();
      }
    }
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

  /** What each chunk of one way has to pass; used by the writer of that way alone. */
  private final class Gate {
    private final Direction direction;
    private long cutId;
    private long passed;

    Gate(Direction direction) {
      this.direction = direction;
      // What an order counts for us begins with our own bytes.
      this.cutId = faults.cut(direction).id();
    }

    void pass(Chunk chunk, Socket to) throws IOException, InterruptedException {
      faults.awaitPassage(direction);
      long wait = chunk.readNanos + faults.latencyNanos() - System.nanoTime();
      if (wait > 0) {
        TimeUnit.NANOSECONDS.sleep(wait);
      }
      // The fault may have begun while the bytes were under way.
      faults.awaitPassage(direction);
      if (disconnected) {
        return;
      }
      if (faults.isDropped(direction)) {
        damaged = true;
        return;
      }
      byte[] bytes = chunk.bytes;
      int allowed = allowed(bytes.length);
      send(bytes, allowed, to);
      passed += allowed;
      if (allowed < bytes.length) {
        reset();
      }
    }

    private int allowed(int length) {
      Faults.Cut cut = faults.cut(direction);
      if (cut.id() != cutId) {
        cutId = cut.id();
        passed = 0;
      }
      return (int) Math.min(length, Math.max(0, cut.bytes() - passed));
    }

    private void send(byte[] bytes, int length, Socket to)
        throws IOException, InterruptedException {
      int sent = 0;
      while (sent < length) {
        long rate = faults.bytesPerSecond();
        int part = (int) Math.min(length - sent, Math.max(1, rate / PACED_WRITES_PER_SECOND));
        to.getOutputStream().write(bytes, sent, part);
        sent += part;
        if (rate < Long.MAX_VALUE) {
          TimeUnit.NANOSECONDS.sleep(part * TimeUnit.SECONDS.toNanos(1) / rate);
        }
      }
    }
  }
}
