package dev.escalera.cache.internal;

import dev.escalera.cache.CacheOptions;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.ValueCodec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A process: the production cache on the production channel, in virtual time. */
final class SimNode implements Store, Wire {
  static final long CACHE = 42;
  static final Duration CLAIM = Duration.ofMillis(800);

  final SimWorld world;
  boolean messageFaults;
  final Platform platform;
  final Channel channel;
  final TieredCacheEngine<String, String> cache;
  private final SimServer server;
  private final SimMutant mutant;
  private final long clockError;
  private @Nullable SimLine link;
  private @Nullable Coherence coherence;
  private long pausedUntil;
  private boolean dead;
  private final List<Runnable> inbox = new ArrayList<>();

  /** When the last renewal was sent that was answered. */
  long lastLease = Long.MIN_VALUE;

  SimNode(
      SimWorld world,
      SimServer server,
      CacheOptions<String, String> options,
      SimMutant mutant,
      boolean messageFaults) {
    this.world = world;
    this.server = server;
    this.mutant = mutant;
    this.messageFaults = messageFaults;
    this.clockError = world.random.nextLong(-900, 900) * SimWorld.SECOND;
    this.platform = new NodePlatform();
    Rules rules = mutant.rules(world, clockError);
    this.channel =
        new Channel(
            platform,
            this,
            "simulated",
            options.maxStaleness().toNanos(),
            new Lease(platform),
            0,
            rules);
    channel.start();
    this.cache =
        TieredCacheEngine.remote(
            options,
            Address.encoded(KeyCodec.string()),
            ValueCodec.string(),
            this,
            platform,
            rules);
  }

  long id() {
    return channel == null ? 0 : channel.node();
  }

  /** Runs something in this process, once it is not paused. */
  void run(Runnable task) {
    if (dead) {
      return;
    }
    if (world.now() < pausedUntil || !inbox.isEmpty()) {
      inbox.add(task);
      if (inbox.size() == 1) {
        world.at(pausedUntil, this::resume);
      }
    } else {
      task.run();
    }
  }

  /** Does what came while the process stood, in the order in which it came. */
  private void resume() {
    while (!inbox.isEmpty() && !dead) {
      if (world.now() < pausedUntil) {
        world.at(pausedUntil, this::resume);
        return;
      }
      inbox.get(0).run();
      inbox.remove(0);
    }
  }

  void pause(long nanos) {
    pausedUntil = Math.max(pausedUntil, world.now() + nanos);
  }

  void kill() {
    dead = true;
  }

  boolean isDead() {
    return dead;
  }

  void leased(long sent) {
    lastLease = sent;
  }

  private final class NodePlatform implements Platform {
    /** Clocks do not run alike, nor from the same origin. */
    private final double rate = 0.998 + world.random.nextDouble() * 0.004;

    private final long origin = world.random.nextLong();
    private final Executor executor =
        task -> world.after(world.random.nextLong(20_000), () -> run(task));

    @Override
    public long nanos() {
      return origin + (long) (world.now() * rate);
    }

    @Override
    public Executor executor() {
      return executor;
    }

    @Override
    public void after(long nanos, Runnable task) {
      world.after((long) (nanos / rate) + world.random.nextLong(100_000), () -> run(task));
    }

    @Override
    public long nonce() {
      return world.random.nextLong();
    }

    @Override
    public double random() {
      return world.random.nextDouble();
    }
  }

  private <T> CompletableFuture<T> call(Supplier<@Nullable T> step) {
    SimLine line = link;
    if (line == null || !line.isUsable()) {
      line = new SimLine(this, server, null);
      link = line;
    }
    SimLine used = line;
    CompletableFuture<T> reply = used.call(step);
    // As the link does it: a connection that is late is given up, and what it carries may arrive.
    platform.after(
        60 * SimWorld.MILLI,
        () -> {
          if (!reply.isDone()) {
            reply.completeExceptionally(new java.util.concurrent.TimeoutException("late"));
            if (link == used) {
              link = null;
            }
          }
        });
    return reply;
  }

  @Override
  public CompletableFuture<Connection> connect(Events events) {
    SimLine line = new SimLine(this, server, events);
    long fresh = platform.nonce();
    CompletableFuture<Connection> connected =
        line.<Long>call(
                () -> {
                  line.subscribed = server.renew(0, 0, fresh).incarnation();
                  return line.subscribed;
                })
            .thenApply(incarnation -> line);
    platform.after(
        SimWorld.SECOND,
        () -> connected.completeExceptionally(new java.util.concurrent.TimeoutException()));
    return connected;
  }

  @Override
  public Lease lease() {
    return channel.lease();
  }

  @Override
  public int readsAtOnce() {
    // So few that a bulk read is of two parts.
    return 2;
  }

  @Override
  public CompletableFuture<List<@Nullable Found>> read(List<Address> addresses) {
    return timed(
        () ->
            this.<Map<Integer, Found>>call(
                    () -> {
                      Map<Integer, Found> found = new HashMap<>();
                      for (int i = 0; i < addresses.size(); i++) {
                        Found each = server.read(addresses.get(i));
                        if (each != null) {
                          found.put(i, each);
                        }
                      }
                      return found;
                    })
                .thenApply(
                    found -> {
                      List<@Nullable Found> all = new ArrayList<>();
                      for (int i = 0; i < addresses.size(); i++) {
                        Found each = found.get(i);
                        all.add(each == null ? null : dated(each));
                      }
                      return all;
                    }));
  }

  @Override
  public boolean tellsVersions() {
    return true;
  }

  @Override
  public CompletableFuture<List<Long>> versions(List<Address> addresses) {
    return call(() -> addresses.stream().map(this::version).toList());
  }

  private long version(Address address) {
    Found found = server.read(address);
    return found == null ? 0 : Envelope.nonce(found.envelope());
  }

  private Found dated(Found found) {
    return new Found(found.envelope(), found.created(), channel.clock().atMost(platform.nanos()));
  }

  private <T> CompletableFuture<T> timed(Supplier<CompletableFuture<T>> then) {
    if (channel.clock().isKnown()) {
      return then.get();
    }
    long sent = platform.nanos();
    return this.<Long>call(server::millis)
        .thenCompose(
            millis -> {
              channel.clock().learn(millis, sent, platform.nanos());
              return then.get();
            });
  }

  @Override
  public CompletableFuture<Claim> claim(Address key, long nonce, long unwanted, boolean alone) {
    return timed(
            () ->
                this.<Claim>call(
                    () -> server.claim(key, nonce, unwanted, alone, CLAIM.toNanos(), lineOf())))
        .thenApply(
            claim ->
                claim instanceof Claim.Present present
                    ? new Claim.Present(dated(present.found()))
                    : claim);
  }

  private Object lineOf() {
    SimLine line = link;
    return line == null ? this : line;
  }

  private static SimServer.Version version(Claim claim) {
    return (SimServer.Version) ((Claim.Granted) claim).version();
  }

  @Override
  public CompletableFuture<Boolean> fill(Address key, Claim claim, byte[] envelope, Duration life) {
    SimServer.Version version = version(claim);
    Envelope.date(envelope, channel.clock().atLeast(platform.nanos()));
    return version.line() == lineOf()
        ? call(() -> server.fill(key, version.nonce(), envelope, life.toNanos(), CACHE))
        : CompletableFuture.completedFuture(false);
  }

  @Override
  public void release(Address key, Claim claim) {
    send(() -> server.release(key, version(claim).nonce(), CACHE));
  }

  @Override
  public void extend(Address key, Claim claim) {
    send(() -> server.extend(key, version(claim).nonce(), CLAIM.toNanos()));
  }

  private void send(Runnable step) {
    CompletableFuture<Boolean> sent =
        call(
            () -> {
              step.run();
              return true;
            });
    assert sent != null;
  }

  @Override
  public Duration claimLife() {
    return CLAIM;
  }

  @Override
  public CompletableFuture<Applied> put(
      Address key, byte[] envelope, Duration life, long nonce, long giveUp, boolean acknowledge) {
    return timed(
        () -> {
          Envelope.date(envelope, channel.clock().atLeast(platform.nanos()));
          long deadline = channel.clock().atLeast(giveUp);
          return change(
              acknowledge,
              id -> server.change(CACHE, key, nonce, id, id(), deadline, envelope, life.toNanos()));
        });
  }

  @Override
  public CompletableFuture<Applied> invalidate(Address key, long nonce, boolean acknowledge) {
    return change(acknowledge, id -> server.change(CACHE, key, nonce, id, id(), 0, null, 0));
  }

  @Override
  public CompletableFuture<Applied> invalidateTag(Address tag, long nonce, boolean acknowledge) {
    boolean clock = mutant == SimMutant.TAG_VERSION_BY_CLOCK;
    long version = clock ? world.now() + clockError : nonce;
    return change(acknowledge, id -> server.changeTag(CACHE, tag, version, id, id()));
  }

  private CompletableFuture<Applied> change(
      boolean acknowledge, java.util.function.LongFunction<SimServer.@Nullable Changed> step) {
    Channel.Acknowledgement expected = acknowledge ? channel.expect() : null;
    long id = expected == null ? 0 : expected.id();
    return this.<SimServer.Changed>call(() -> step.apply(id))
        .thenApply(
            changed ->
                expected == null
                    ? Applied.ALONE
                    : new Applied(
                        expected.await(
                            changed.incarnation(),
                            changed.nodes(),
                            silent -> send(() -> server.strike(silent)))));
  }

  @Override
  public CompletableFuture<List<Long>> tags(List<Address> tags) {
    long fresh = mutant == SimMutant.TAG_VERSION_BY_CLOCK ? 0 : platform.nonce();
    return call(() -> tags.stream().map(tag -> server.tag(tag, fresh)).toList());
  }

  @Override
  public CompletableFuture<Void> barrier() {
    return channel.barrier();
  }

  @Override
  public int maxBytes() {
    return 1_000;
  }

  @Override
  public boolean isAvailable() {
    return true;
  }

  @Override
  public void start(Coherence listener) {
    coherence = listener;
    channel.join(CACHE, listener);
  }

  @Override
  public void close() {
    if (coherence != null) {
      channel.leave(CACHE, coherence);
    }
  }
}
