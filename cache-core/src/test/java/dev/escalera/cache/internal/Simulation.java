package dev.escalera.cache.internal;

import dev.escalera.cache.CacheOptions;
import dev.escalera.cache.CacheStats;
import dev.escalera.cache.EntryOptions;
import dev.escalera.cache.Freshness;
import dev.escalera.cache.OnRemoteLoss;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A fleet of nodes with the production cache on one store, in virtual time: messages are delayed,
 * lost and doubled, lines cut and stalled, nodes paused and killed, the store flushed, restarted
 * and failed over, loads slow, failing or outlived by their claim. All of it follows from the seed.
 */
final class Simulation {
  private static final int NODES = 3;
  private static final long LENGTH = 12 * SimWorld.SECOND;
  private static final int ROUNDS = 3;
  private static final long SETTLED = 5 * SimWorld.SECOND;
  private static final Duration STALENESS = Duration.ofSeconds(1);
  private static final Duration OUTAGE = Duration.ofSeconds(4);
  private static final Duration TTL = Duration.ofSeconds(3);
  private static final List<String> KEYS = List.of("a", "b", "c");
  private static final String TAG = "t";
  private static final List<String> TAGGED = List.of("a", "b");

  private final SimWorld world;
  private final SimServer server;
  private final SimMutant mutant;
  private final SimHistory history = new SimHistory();
  private final SimNode[] nodes = new SimNode[NODES];

  /** A node that is started again is another: what it had not told yet is lost with it. */
  private final int[] lives = new int[NODES];

  private final Map<String, Long> source = new HashMap<>();
  private final CacheOptions<String, String> options;
  private final boolean acknowledged;
  private final boolean servesLocal;
  private final boolean messageFaults;

  /** Whether nodes read several keys at once, too. */
  private final boolean bulk;

  private final Map<String, Long> puts = new HashMap<>();
  private long putNumber;
  private boolean healed;

  Simulation(long seed, SimMutant mutant) {
    this.world = new SimWorld(seed);
    this.mutant = mutant;
    this.server = new SimServer(world, mutant);
    this.acknowledged = world.random.nextBoolean();
    this.bulk = seed % 5 == 0;
    this.servesLocal = world.random.nextBoolean();
    this.messageFaults = world.random.nextInt(3) == 0;
    TestOptions<String, String> builder =
        new TestOptions<String, String>("simulated", TTL)
            .remoteBudget(Duration.ofMillis(50))
            .maxStaleness(STALENESS)
            .freshness(acknowledged ? Freshness.ACKNOWLEDGED : Freshness.BOUNDED)
            .onRemoteLoss(servesLocal ? OnRemoteLoss.SERVE_LOCAL : OnRemoteLoss.BYPASS)
            .outageTtl(OUTAGE.compareTo(TTL) < 0 ? OUTAGE : TTL)
            .l1MaximumSize(100)
            .ttlJitter(0.1)
            .earlyRefresh(world.random.nextBoolean() ? 1 : 0)
            .crossNodeSingleFlight(world.random.nextInt(4) != 0)
            .tagsOf((key, value) -> TAGGED.contains(key) ? Set.of(TAG) : Set.of());
    if (world.random.nextBoolean()) {
      builder.staleIfError(Duration.ofSeconds(2));
      if (world.random.nextBoolean()) {
        builder.softTimeout(Duration.ofMillis(60)).hardTimeout(Duration.ofMillis(900));
      }
    }
    this.options = builder.build();
    KEYS.forEach(key -> source.put(key, 0L));
  }

  /** Runs it and returns what went wrong. */
  SimHistory run() {
    for (int i = 0; i < NODES; i++) {
      start(i);
      int node = i;
      world.after(world.random.nextLong(SimWorld.SECOND), () -> act(node));
    }
    world.after(world.random.nextLong(SimWorld.SECOND), this::fault);
    world.runUntil(LENGTH);
    healed = true;
    world.calm = true;
    server.up = true;
    for (SimNode node : nodes) {
      node.messageFaults = false;
    }
    world.runUntil(LENGTH + SETTLED);
    agree();
    world.runUntil(LENGTH + 8 * SimWorld.SECOND);
    converge();
    return history;
  }

  private void start(int i) {
    lives[i]++;
    nodes[i] = new SimNode(world, server, options, mutant, messageFaults && !healed);
  }

  private void act(int i) {
    SimNode node = nodes[i];
    if (!healed) {
      node.run(() -> act(i, node));
      world.after(world.delay(15 * SimWorld.MILLI), () -> act(i));
    } else if (world.now() < LENGTH + SETTLED) {
      node.run(() -> read(i, node, KEYS.get(world.random.nextInt(KEYS.size())), null));
      world.after(world.delay(40 * SimWorld.MILLI), () -> act(i));
    }
  }

  private void act(int i, SimNode node) {
    String key = KEYS.get(world.random.nextInt(KEYS.size()));
    int kind = world.random.nextInt(100);
    if (kind < 15 && bulk) {
      readAll(i, node);
    } else if (kind < 74) {
      read(i, node, key, null);
    } else if (kind < 90) {
      change(i, node, List.of(key), () -> node.cache.invalidateAsync(key), false);
    } else if (kind < 95) {
      String value = write(key) + "@" + (Long.MAX_VALUE - ++putNumber);
      change(
          i,
          node,
          List.of(key),
          () ->
              node.cache
                  .putAsync(key, value, EntryOptions.none())
                  .whenComplete((done, failure) -> puts.put(value, world.now())),
          false);
    } else {
      change(i, node, TAGGED, () -> node.cache.invalidateTagAsync(TAG), true);
    }
  }

  private long write(String key) {
    return source.merge(key, 1L, Long::sum);
  }

  private void change(
      int i,
      SimNode node,
      List<String> keys,
      java.util.function.Supplier<java.util.concurrent.CompletionStage<?>> call,
      boolean tag) {
    long called = world.now();
    int life = i + NODES * lives[i];
    keys.forEach(this::write);
    call.get()
        .whenComplete(
            (done, failure) -> {
              long returned = world.now();
              for (String key : keys) {
                Address address = tag ? Address.tag(TAG) : Address.encoded(k -> key).of(key);
                boolean known = failure == null && !node.cache.isPending(address, tag);
                long bound = acknowledged ? 0 : (long) (STALENESS.toNanos() * 1.003);
                long everywhere = known ? returned + bound : Long.MAX_VALUE;
                // A failed call has taken effect on its node, too.
                history.cut(
                    key, called, returned, known ? returned : Long.MAX_VALUE, everywhere, life);
              }
            });
  }

  private void read(int i, SimNode node, String key, @Nullable Long expected) {
    long began = world.now();
    CacheStats before = node.cache.stats();
    long lease = node.lastLease;
    int life = i + NODES * lives[i];
    node.cache
        .getAsync(key, this::load)
        .whenComplete(
            (value, failure) -> {
              if (failure == null && value != null) {
                read(i, life, node, key, began, lease, before, value, expected);
              } else if (expected != null) {
                history.violation("a healed fleet fails: " + failure.getCause());
              }
            });
  }

  /** Reads all keys by one call, in the steps of one that is blocking. */
  private void readAll(int i, SimNode node) {
    long began = world.now();
    CacheStats before = node.cache.stats();
    long lease = node.lastLease;
    int life = i + NODES * lives[i];
    BiConsumer<String, String> check =
        (key, value) -> read(i, life, node, key, began, lease, before, value, null);
    Executor steps = node.platform.executor();
    BulkReader<String, String>.Call call = node.cache.bulk.call(KEYS, this::loadAll);
    call.read(steps)
        .thenAccept(
            done -> {
              Map<String, CompletableFuture<Outcome<String>>> running =
                  call.isComplete() ? Map.of() : call.load(steps);
              call.found().forEach(check);
              running.forEach(
                  (key, load) ->
                      load.thenAccept(
                          outcome -> {
                            LongAdder counter = outcome.counter();
                            if (counter != null) {
                              counter.increment();
                            }
                            check.accept(key, outcome.value());
                          }));
            });
  }

  private Map<String, String> loadAll(Set<String> keys) {
    if (!healed && world.chance(0.04)) {
      throw new IllegalStateException("no source");
    }
    Map<String, String> values = new HashMap<>();
    keys.forEach(key -> values.put(key, source.get(key) + "@" + world.now()));
    return values;
  }

  private void read(
      int i,
      int life,
      SimNode node,
      String key,
      long began,
      long lease,
      CacheStats before,
      String value,
      @Nullable Long expected) {
    long version = Long.parseLong(value.substring(0, value.indexOf('@')));
    // The store makes a put at some moment before its call returns.
    long loaded = puts.getOrDefault(value, Long.parseLong(value.substring(value.indexOf('@') + 1)));
    CacheStats after = node.cache.stats();
    boolean alone =
        after.outageHits() > before.outageHits()
            || after.staleServed() > before.staleServed()
            || (servesLocal && after.storeFailures() > before.storeFailures());
    history.read(key, began, world.now(), loaded, life, alone ? (Long) lease : null);
    if (version > source.getOrDefault(key, 0L)) {
      history.violation("a value that never was: " + value);
    }
    if (expected != null && version != expected) {
      history.violation("node " + i + " ends with " + value + " of " + key + " not " + expected);
    }
  }

  private CompletableFuture<String> load(String key) {
    String value = source.get(key) + "@" + world.now();
    CompletableFuture<String> loaded = new CompletableFuture<>();
    boolean fails = !healed && world.chance(0.04);
    long takes =
        world.chance(0.03)
            ? Math.min(world.delay(SimWorld.SECOND), 5 * SimWorld.SECOND)
            : world.delay(25_000_000);
    world.after(
        healed ? SimWorld.MILLI : takes,
        () -> {
          if (fails) {
            loaded.completeExceptionally(new IllegalStateException("no source"));
          } else {
            loaded.complete(value);
          }
        });
    return loaded;
  }

  private void fault() {
    if (healed) {
      return;
    }
    int i = world.random.nextInt(NODES);
    SimNode node = nodes[i];
    List<SimLine> lines = new ArrayList<>(server.lines());
    switch (world.random.nextInt(11)) {
      case 0 -> node.pause(Math.min(world.delay(700 * SimWorld.MILLI), 4 * SimWorld.SECOND));
      case 1 -> {
        node.kill();
        lines.stream().filter(line -> line.node0 == node).forEach(SimLine::cut);
        world.after(Math.min(world.delay(300 * SimWorld.MILLI), SimWorld.SECOND), () -> start(i));
      }
      case 2 -> server.flush();
      case 3 -> {
        server.up = false;
        server.breakAll();
        world.after(
            Math.min(world.delay(400 * SimWorld.MILLI), 4 * SimWorld.SECOND),
            () -> {
              server.restart();
              server.up = true;
            });
      }
      case 4 -> history.lost(server.failover(), world.now());
      case 5, 6 -> {
        // A partition: nothing passes either way, and then all of it, or the lines are dead.
        boolean ends = world.random.nextBoolean();
        long stall = Math.min(world.delay(900 * SimWorld.MILLI), 4 * SimWorld.SECOND);
        for (SimLine line : lines) {
          if (line.node0 == node) {
            line.stall(stall);
            if (ends) {
              world.after(stall, line::cut);
            }
          }
        }
      }
      case 8, 10 -> {
        // Slow, and then nothing: what was sent before the silence was answered late.
        long each = world.random.nextLong(100, 450) * SimWorld.MILLI;
        long silence = world.random.nextLong(SimWorld.SECOND);
        for (SimLine line : lines) {
          if (line.node0 == node) {
            line.slow(each, silence);
            world.after(silence, () -> line.stall(2 * SimWorld.SECOND));
          }
        }
      }
      case 9 -> {
        // What the store counted begins anew while loads run, and others begin.
        String key = KEYS.get(world.random.nextInt(KEYS.size()));
        int other = (i + 1) % NODES;
        int third = (i + 2) % NODES;
        server.flush();
        node.run(() -> read(i, node, key, null));
        world.after(
            world.random.nextLong(2, 30) * SimWorld.MILLI,
            () -> {
              server.flush();
              SimNode changing = nodes[other];
              changing.run(
                  () ->
                      change(
                          other,
                          changing,
                          List.of(key),
                          () -> changing.cache.invalidateAsync(key),
                          false));
            });
        world.after(
            world.random.nextLong(5, 40) * SimWorld.MILLI,
            () -> nodes[third].run(() -> read(third, nodes[third], key, null)));
      }
      case 7 -> lines.stream().filter(line -> line.node0 == node).forEach(SimLine::cut);
      default -> throw new IllegalStateException("no such fault");
    }
    world.after(world.delay(600 * SimWorld.MILLI), this::fault);
  }

  /** Once all is well and nothing changes, nodes that do not refresh early serve the same. */
  private void agree() {
    Map<String, List<String>> apart = new TreeMap<>();
    if (options.earlyRefresh() == 0) {
      KEYS.forEach(key -> apart.put(key, new ArrayList<>()));
    }
    for (int round = 0; round < ROUNDS; round++) {
      Map<String, Map<Integer, String>> served = new TreeMap<>();
      for (int i = 0; i < NODES; i++) {
        SimNode node = nodes[i];
        int number = i;
        for (String key : apart.keySet()) {
          node.run(
              () ->
                  node.cache
                      .getAsync(key, this::load)
                      .thenAccept(
                          value ->
                              served
                                  .computeIfAbsent(key, same -> new TreeMap<>())
                                  .put(number, value)));
        }
      }
      world.runUntil(world.now() + 400 * SimWorld.MILLI);
      served.forEach(
          (key, values) -> {
            apart.computeIfAbsent(key, same -> new ArrayList<>()).add(values.toString());
            if (Set.copyOf(values.values()).size() == 1) {
              apart.remove(key);
            }
          });
    }
    // Of a key that a load from before holds up there are fewer.
    apart.values().removeIf(rounds -> rounds.size() < ROUNDS);
    apart.forEach(
        (key, rounds) -> history.violation("nodes do not agree on " + key + ": " + rounds));
  }

  private void converge() {
    for (int i = 0; i < NODES; i++) {
      if (nodes[i].isDead()) {
        start(i);
      }
    }
    world.runUntil(world.now() + 4 * SimWorld.SECOND);
    for (int i = 0; i < NODES; i++) {
      if (nodes[i].cache.stats().pendingInvalidations() > 0) {
        history.violation("node " + i + " still has pending invalidations");
      }
      if (!nodes[i].channel.lease().holds(nodes[i].platform.nanos())) {
        history.violation("node " + i + " has no lease");
      }
    }
    for (String key : KEYS) {
      change(0, nodes[0], List.of(key), () -> nodes[0].cache.invalidateAsync(key), false);
    }
    world.runUntil(world.now() + 3 * SimWorld.SECOND);
    for (int i = 0; i < NODES; i++) {
      for (String key : KEYS) {
        read(i, nodes[i], key, source.get(key));
      }
    }
    world.runUntil(world.now() + 3 * SimWorld.SECOND);
  }
}
