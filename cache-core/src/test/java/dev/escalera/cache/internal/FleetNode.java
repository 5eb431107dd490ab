package dev.escalera.cache.internal;

import com.google.cloud.firestore.FirestoreOptions;
import dev.escalera.cache.EntryOptions;
import dev.escalera.cache.Freshness;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.OnRemoteLoss;
import dev.escalera.cache.RemoteCacheBuilder;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import dev.escalera.cache.firestore.FirestoreTieredCache;
import dev.escalera.cache.firestore.ShortWindows;
import dev.escalera.cache.redis.RedisTieredCache;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.internal.HostAndPort;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.DnsResolvers;
import io.lettuce.core.resource.MappingSocketAddressResolver;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * A process of a fleet under test: reads and changes a few keys of a few caches from several
 * threads, and writes down what it asked and what came, in nanoseconds of the host.
 */
public final class FleetNode {
  static final List<String> KEYS = List.of("a", "b", "c", "d", "e", "f");
  static final Set<String> TAGGED = Set.of("a", "b");
  static final Duration STALENESS = Duration.ofMillis(500);
  static final Duration FIRESTORE_STALENESS = Duration.ofSeconds(1);
  static final Duration OUTAGE = Duration.ofSeconds(3);
  static final Duration L1 = Duration.ofSeconds(4);
  static final Duration TTL = Duration.ofSeconds(6);
  static final Duration LOAD = Duration.ofSeconds(1);

  private static final int THREADS = 3;

  private static final String TAG = "t";

  private final String life;
  private final List<Subject> subjects = new ArrayList<>();
  private final PrintWriter out =
      new PrintWriter(
          new BufferedWriter(new OutputStreamWriter(System.out, StandardCharsets.US_ASCII)));
  private final AtomicLong values = new AtomicLong();

  /** How long a thread pauses at the most between two calls. */
  private int pauseMicros = 3_000;

  private volatile boolean running = true;

  /** A cache with when it was last seen to hold its lease. */
  private static final class Subject {
    final String name;
    final TieredCacheEngine<String, String> cache;
    final boolean servesLocal;
    volatile long leased = Long.MIN_VALUE;

    Subject(String name, TieredCache<String, String> cache, boolean servesLocal) {
      this.name = name;
      this.cache = (TieredCacheEngine<String, String>) cache;
      this.servesLocal = servesLocal;
    }
  }

  private FleetNode(String life) {
    this.life = life;
  }

  /**
   * Runs a node.
   *
   * @param args its name, which is that of one life; the prefix of its caches; the kind of its
   *     store; addresses; ports that are reached by others, as FROM=TO
   */
  public static void main(String[] args) throws IOException {
    FleetNode node = new FleetNode(args[0]);
    node.open(args[1], args[2], args[3], args.length > 4 ? args[4] : "");
    node.serve();
  }

  private void open(String prefix, String kind, String addresses, String mapping) {
    switch (kind) {
      case "redis" -> {
        RedisClient client = RedisClient.create(resources(mapping), RedisURI.create(addresses));
        openAll(
            prefix,
            true,
            name ->
                RedisTieredCache.builder(client, name, TTL, KeyCodec.string(), ValueCodec.string())
                    .loadLease(LOAD)
                    .maxStaleness(STALENESS),
            RedisTieredCache.Builder::build);
      }
      case "cluster" -> {
        List<RedisURI> uris =
            List.of(addresses.split(",", -1)).stream().map(RedisURI::create).toList();
        RedisClusterClient client = RedisClusterClient.create(resources(mapping), uris);
        openAll(
            prefix,
            true,
            name ->
                RedisTieredCache.builder(client, name, TTL, KeyCodec.string(), ValueCodec.string())
                    .loadLease(LOAD)
                    .maxStaleness(STALENESS),
            RedisTieredCache.Builder::build);
      }
      case "firestore" -> {
        String[] place = addresses.split(",", -1);
        var firestore =
            FirestoreOptions.newBuilder()
                .setProjectId(place[1])
                .setEmulatorHost(place[0])
                .build()
                .getService();
        // The emulator compares each commit with all that is listened to, one after another: fewer
        // caches and calls, and a budget in which it answers.
        pauseMicros = 30_000;
        openAll(
            prefix,
            false,
            name ->
                ShortWindows.of(
                        FirestoreTieredCache.builder(
                            firestore, name, TTL, KeyCodec.string(), ValueCodec.string()))
                    .loadLease(LOAD)
                    .maxStaleness(FIRESTORE_STALENESS)
                    .remoteBudget(FIRESTORE_STALENESS),
            FirestoreTieredCache.Builder::build);
      }
      default -> throw new IllegalArgumentException(kind);
    }
    Thread watch = new Thread(this::watch, "leases");
    watch.setDaemon(true);
    watch.start();
  }

  private static ClientResources resources(String mapping) {
    Map<Integer, Integer> ports = new HashMap<>();
    for (String each : mapping.isEmpty() ? new String[0] : mapping.split(",", -1)) {
      ports.put(Integer.valueOf(each.split("=", -1)[0]), Integer.valueOf(each.split("=", -1)[1]));
    }
    UnaryOperator<HostAndPort> map =
        place ->
            HostAndPort.of(
                place.getHostText(), ports.getOrDefault(place.getPort(), place.getPort()));
    return ClientResources.builder()
        .socketAddressResolver(MappingSocketAddressResolver.create(DnsResolvers.UNRESOLVED, map))
        .build();
  }

  private <B extends RemoteCacheBuilder<String, String, B>> void openAll(
      String prefix,
      boolean all,
      Function<String, B> builder,
      Function<B, TieredCache<String, String>> build) {
    for (Freshness freshness : Freshness.values()) {
      for (OnRemoteLoss loss : OnRemoteLoss.values()) {
        if (!all && (freshness == Freshness.BOUNDED) != (loss == OnRemoteLoss.SERVE_LOCAL)) {
          continue;
        }
        String name = prefix + "-" + freshness + "-" + loss;
        B options =
            builder
                .apply(name)
                .freshness(freshness)
                .onRemoteLoss(loss)
                .l1Ttl(L1)
                .outageTtl(OUTAGE)
                .tagsOf(FleetNode::tags);
        if (freshness == Freshness.BOUNDED) {
          options.staleIfError(Duration.ofSeconds(1)).softTimeout(Duration.ofMillis(200));
        }
        boolean servesLocal = loss == OnRemoteLoss.SERVE_LOCAL;
        subjects.add(new Subject(name, build.apply(options), servesLocal));
      }
    }
  }

  private static Set<String> tags(String key, String value) {
    return TAGGED.contains(key) ? Set.of(TAG) : Set.of();
  }

  /** Notes when leases are held; too seldom only excuses more than need be. */
  private void watch() {
    while (true) {
      for (Subject subject : subjects) {
        long now = System.nanoTime();
        if (!subject.cache.stats().fenced()) {
          subject.leased = now;
        }
      }
      try {
        TimeUnit.MILLISECONDS.sleep(5);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private void serve() throws IOException {
    write("ready " + System.nanoTime());
    flush();
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    List<Thread> threads = new ArrayList<>();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ", -1);
      switch (words[0]) {
        case "run" -> {
          for (int i = 0; i < THREADS; i++) {
            Random random = new Random(Long.parseLong(words[1]) + i);
            Thread thread = new Thread(() -> work(random), "worker-" + i);
            threads.add(thread);
            thread.start();
          }
        }
        case "stop" -> {
          running = false;
          threads.forEach(this::join);
          write("stopped");
        }
        case "settled" -> {
          // A circuit breaker that is open closes when a call was answered.
          subjects.forEach(each -> KEYS.forEach(key -> read(each, key)));
          if (!isSettled()) {
            subjects.forEach(each -> System.err.println(each.name + each.cache.stats()));
          }
          write("settled " + isSettled());
        }
        case "invalidate" -> {
          for (Subject subject : subjects) {
            KEYS.forEach(key -> invalidate(subject, key));
          }
          write("invalidated");
        }
        case "read" -> {
          for (Subject subject : subjects) {
            KEYS.forEach(key -> read(subject, key));
          }
          write("read");
        }
        case "stats" -> {
          long hits = subjects.stream().mapToLong(each -> each.cache.stats().l1Hits()).sum();
          long outage = subjects.stream().mapToLong(each -> each.cache.stats().outageHits()).sum();
          write("stats " + hits + " " + outage);
        }
        default -> throw new IllegalArgumentException(line);
      }
      flush();
    }
  }

  /** Waits for a worker; a call that does not return is a fault of its own. */
  private void join(Thread thread) {
    try {
      thread.join(TimeUnit.SECONDS.toMillis(10));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    if (thread.isAlive()) {
      write("broken a call does not return " + List.of(thread.getStackTrace()));
    }
  }

  private boolean isSettled() {
    return subjects.stream()
        .map(subject -> subject.cache.stats())
        .allMatch(
            stats -> !stats.fenced() && stats.pendingInvalidations() == 0 && stats.l2Available());
  }

  private void work(Random random) {
    try {
      while (running) {
        Subject subject = subjects.get(random.nextInt(subjects.size()));
        String key = KEYS.get(random.nextInt(KEYS.size()));
        int kind = random.nextInt(100);
        if (kind < 72) {
          read(subject, key);
        } else if (kind < 76) {
          readAll(subject);
        } else if (kind < 90) {
          invalidate(subject, key);
        } else if (kind < 96) {
          put(subject, key);
        } else {
          invalidateTag(subject);
        }
        TimeUnit.MICROSECONDS.sleep(random.nextInt(pauseMicros));
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    } catch (RuntimeException | Error e) {
      // Nothing that a store does may come out of a cache like this.
      write("broken " + e);
      flush();
      e.printStackTrace();
    }
  }

  /** What a read may be excused by, as it was before. */
  private record Before(long began, long leased, long excuses) {}

  private Before before(Subject subject) {
    return new Before(System.nanoTime(), subject.leased, excuses(subject));
  }

  private static long excuses(Subject subject) {
    var stats = subject.cache.stats();
    return stats.outageHits()
        + stats.staleServed()
        + (subject.servesLocal ? stats.storeFailures() : 0);
  }

  private void read(Subject subject, String key) {
    Before before = before(subject);
    try {
      String value = subject.cache.get(key, this::load);
      done(subject, before, Map.of(key, String.valueOf(value)));
    } catch (dev.escalera.cache.CacheException e) {
      write("failed get " + cause(e));
    }
  }

  private void readAll(Subject subject) {
    Before before = before(subject);
    try {
      Map<String, String> values =
          subject.cache.getAll(
              KEYS, keys -> keys.stream().collect(Collectors.toMap(key -> key, this::load)));
      done(subject, before, values);
    } catch (dev.escalera.cache.CacheException e) {
      write("failed getAll " + cause(e));
    }
  }

  private void done(Subject subject, Before before, Map<String, String> values) {
    long ended = System.nanoTime();
    boolean excused = excuses(subject) != before.excuses;
    values.forEach(
        (key, value) ->
            write(
                "R "
                    + subject.name
                    + " "
                    + key
                    + " "
                    + before.began
                    + " "
                    + ended
                    + " "
                    + value
                    + " "
                    + life
                    + " "
                    + (excused ? Long.toString(before.leased) : "-")));
  }

  private String load(String key) {
    String value = key + ":L:" + life + "." + values.incrementAndGet() + ":" + System.nanoTime();
    Random random = new Random(value.hashCode());
    try {
      TimeUnit.MILLISECONDS.sleep(
          random.nextInt(20) == 0 ? random.nextInt(1_500) : random.nextInt(8));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    if (random.nextInt(40) == 0) {
      throw new UncheckedIOException(new IOException("the source fails"));
    }
    return value;
  }

  private void invalidate(Subject subject, String key) {
    change(subject, List.of(key), false, "-", () -> subject.cache.invalidate(key));
  }

  private void invalidateTag(Subject subject) {
    change(
        subject,
        TAGGED.stream().sorted().toList(),
        true,
        "-",
        () -> subject.cache.invalidateTag(TAG));
  }

  private void put(Subject subject, String key) {
    String value = key + ":P:" + life + "." + values.incrementAndGet() + ":" + System.nanoTime();
    change(
        subject,
        List.of(key),
        false,
        value,
        () -> subject.cache.put(key, value, EntryOptions.none()));
  }

  private void change(
      Subject subject, List<String> keys, boolean tag, String value, Runnable call) {
    long called = System.nanoTime();
    boolean known = true;
    try {
      call.run();
    } catch (dev.escalera.cache.CacheException e) {
      known = false;
    }
    for (String key : keys) {
      Address address = tag ? Address.tag(TAG) : Address.<String>encoded(KeyCodec.string()).of(key);
      known &= !subject.cache.isPending(address, tag);
    }
    long returned = System.nanoTime();
    for (String key : keys) {
      write(
          "C "
              + subject.name
              + " "
              + key
              + " "
              + called
              + " "
              + returned
              + " "
              + known
              + " "
              + life
              + " "
              + value);
    }
  }

  private static String cause(Throwable failure) {
    return String.valueOf(failure.getCause()).replace('\n', ' ');
  }

  private void write(String line) {
    synchronized (out) {
      out.println(line);
    }
  }

  private void flush() {
    synchronized (out) {
      out.flush();
    }
  }
}
