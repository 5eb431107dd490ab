package dev.escalera.cache.internal;

import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A connection of a node: what is sent over it arrives in order, late, or not at all once it is
 * cut. Over a stalled one nothing comes, and nobody is told.
 */
final class SimLine implements Wire.Connection {
  final SimNode node0;
  final long node;
  private final SimWorld world;
  private final SimServer server;
  private final Wire.@Nullable Events events;
  long subscribed;
  private boolean cutAtServer;
  private boolean closed;
  private long lastUp;
  private long lastDown;
  private long stalledUntil;
  private long slowUntil;
  private long slowness;
  private long number;

  SimLine(SimNode node, SimServer server, Wire.@Nullable Events events) {
    this.node0 = node;
    this.node = node.id();
    this.world = node.world;
    this.server = server;
    this.events = events;
    server.attach(this);
  }

  boolean isUsable() {
    return !closed;
  }

  /** Sends a request and hands its reply over: never, if the line is cut before it is there. */
  <T> CompletableFuture<T> call(Supplier<@Nullable T> step) {
    CompletableFuture<T> reply = new CompletableFuture<>();
    if (closed) {
      reply.completeExceptionally(new IllegalStateException("closed"));
      return reply;
    }
    lastUp = Math.max(lastUp, Math.max(world.now(), stalledUntil) + latency());
    world.at(
        lastUp,
        () -> {
          if (cutAtServer) {
            return;
          }
          T answer = server.step(step);
          if (answer != null) {
            down(() -> reply.complete(answer));
          }
        });
    return reply;
  }

  /** Something comes down the line. */
  private void down(Runnable arrival) {
    lastDown = Math.max(lastDown, Math.max(world.now(), stalledUntil) + latency());
    world.at(
        lastDown,
        () ->
            node0.run(
                () -> {
                  if (!closed) {
                    arrival.run();
                  }
                }));
  }

  private long latency() {
    return world.delay(300_000) + (world.now() < slowUntil ? slowness : 0);
  }

  /** Takes longer each way, for a while. */
  void slow(long each, long nanos) {
    slowness = each;
    slowUntil = world.now() + nanos;
  }

  void stall(long nanos) {
    stalledUntil = world.now() + nanos;
  }

  /** The server does not know the line any more; the node notices later. */
  void cut() {
    cutAtServer = true;
    server.detach(this);
    world.after(world.delay(30 * SimWorld.MILLI), () -> node0.run(this::ended));
  }

  private void ended() {
    if (!closed) {
      closed = true;
      if (events != null) {
        events.ended(this);
      }
    }
  }

  void changed(Wire.Change change) {
    Wire.Events to = events;
    if (to == null) {
      return;
    }
    double fault = node0.messageFaults ? world.random.nextDouble() : 1;
    if (fault < 0.01) {
      return;
    }
    down(() -> to.changed(change));
    if (fault < 0.02) {
      down(() -> to.changed(change));
    }
  }

  void loaded(long cache, long hash) {
    Wire.Events to = events;
    if (to != null) {
      down(() -> to.loaded(cache, hash));
    }
  }

  void acknowledged(long id, long by) {
    Wire.Events to = events;
    if (to != null) {
      down(() -> to.acknowledged(id, by));
    }
  }

  @Override
  public CompletableFuture<Wire.Renewal> renew(long by, long renewal) {
    long sent = world.now();
    long fresh = node0.platform.nonce();
    return this.<Wire.Renewal>call(() -> server.renew(by, renewal, fresh))
        .thenApply(
            reply -> {
              if (subscribed != 0 && reply.incarnation() != subscribed) {
                throw new IllegalStateException("another registry");
              }
              node0.leased(sent);
              number = renewal;
              return reply;
            });
  }

  @Override
  public void acknowledge(Wire.Change change, long by) {
    CompletableFuture<Boolean> sent =
        call(
            () -> {
              server.acknowledge(change.id(), by, change.caller());
              return true;
            });
    assert number >= 0 && sent != null;
  }

  @Override
  public void leave(long by) {
    throw new UnsupportedOperationException("processes are killed here, never closed");
  }

  @Override
  public void close() {
    closed = true;
    world.after(world.delay(SimWorld.MILLI), () -> server.detach(this));
  }
}
