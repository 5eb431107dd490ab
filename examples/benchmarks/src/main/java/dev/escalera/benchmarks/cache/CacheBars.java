package dev.escalera.benchmarks.cache;

import com.alicp.jetcache.Cache;
import dev.escalera.benchmarks.Bars;
import dev.escalera.benchmarks.Figures;
import dev.escalera.benchmarks.Jmh;
import dev.escalera.benchmarks.Parts;
import dev.escalera.benchmarks.Ratio;
import dev.escalera.benchmarks.Report;
import dev.escalera.benchmarks.Rounds;
import dev.escalera.cache.Freshness;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import dev.escalera.cache.jackson.JacksonCodec;
import dev.escalera.cache.redis.RedisTieredCache;
import dev.escalera.testkit.RedisServer;
import io.lettuce.core.KeyValue;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.ByteArrayCodec;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/**
 * What reads cost that each tier answers, and what holds when many ask, or nobody answers. {@code
 * -Descalera.bars=local,cold} measures some of local, remote, frozen, cold, acknowledged.
 */
public final class CacheBars implements Bars {
  private static final Duration TTL = Duration.ofMinutes(10);
  private static final int FORKS = 5;
  private static final int HUNDRED = 100;

  /** Until the compiler is done with all contenders. */
  private static final int WARM_UPS = 10;

  private static final int ROUNDS = 9;

  /**
   * The same where rounds are many and short, since the speed of the machine changes by the second.
   */
  private static final int SHORT_WARM_UPS = 60;

  private static final int SHORT_ROUNDS = 41;

  @Override
  public void measure(Report report) throws Exception {
    Map<String, Parts.Part> parts = new LinkedHashMap<>();
    parts.put("local", CacheBars::localHits);
    parts.put("remote", CacheBars::remoteHits);
    parts.put("frozen", CacheBars::frozen);
    parts.put("cold", CacheBars::coldKey);
    parts.put("acknowledged", CacheBars::acknowledged);
    Parts.measure(parts, report);
  }

  private static void localHits(Report report) throws Exception {
    for (int threads = 1; threads <= 2; threads++) {
      Figures<Jmh.Cost> hit = Jmh.run(LocalHitBenchmark.class, threads, FORKS, report);
      Jmh.Cost ours = hit.of("escalera");
      report.atMost(
          "L1 hit, threads: " + threads,
          "Caffeine",
          1.5,
          Ratio.of(ours.nanos(), hit.of("caffeine").nanos()));
      report.atMost(
          "the same, bytes allocated an operation",
          "none",
          0.5,
          Ratio.exactly(Collections.max(ours.bytes())));
    }
    Figures<Jmh.Cost> peers = Jmh.run(LocalHitPeersBenchmark.class, 1, 2, report);
    for (String peer : List.of("redisson", "jetCache")) {
      report.atLeast(
          "L1 hit, how much faster",
          peer.equals("redisson") ? "Redisson RLocalCachedMap" : "JetCache",
          5,
          Ratio.of(peers.of(peer).nanos(), peers.of("escalera").nanos()));
    }
  }

  private interface Read {
    void once(int i) throws Exception;
  }

  private static double nanos(int times, Read read) throws Exception {
    long start = System.nanoTime();
    for (int i = 0; i < times; i++) {
      read.once(i);
    }
    return (double) (System.nanoTime() - start) / times;
  }

  private static void remoteHits(Report report) throws Exception {
    int keys = 5_000;
    RedisServer server = RedisServer.start();
    RedisClient client = RedisClient.create(server.uri());
    JacksonCodec<Quote> codec = JacksonCodec.of(Quote.class);
    List<String> names = IntStream.range(0, keys).mapToObj(i -> "key-" + i).toList();
    // Each of many keys in turn is a hit of L2, since L1 has it no longer when its turn comes.
    try (StatefulRedisConnection<byte[], byte[]> redis = client.connect(ByteArrayCodec.INSTANCE);
        TieredCache<String, Quote> cache =
            RedisTieredCache.builder(client, "remote", TTL, KeyCodec.string(), codec)
                .remoteBudget(Duration.ofSeconds(5))
                .l1Ttl(Duration.ofMillis(1))
                .earlyRefresh(0)
                .build();
        TieredCache<String, Quote> small =
            RedisTieredCache.builder(client, "remote", TTL, KeyCodec.string(), codec)
                .remoteBudget(Duration.ofSeconds(5))
                .l1MaximumSize(HUNDRED)
                .earlyRefresh(0)
                .build();
        Cache<String, Object> jetCache = JetCaches.remote(client, "remote:")) {
      for (String name : names) {
        Quote quote = new Quote(name, 7);
        cache.put(name, quote);
        jetCache.put(name, quote);
        redis.sync().set(utf8(name), codec.encode(quote));
      }
      long before = cache.stats().l2Hits();
      int gets = 2_000;
      Figures<List<Double>> one =
          new Rounds(report)
              .add("Escalera", () -> nanos(gets, i -> get(cache, names.get(i % keys))))
              .add(
                  "GET",
                  () ->
                      nanos(
                          gets,
                          i -> {
                            byte[] bytes = redis.sync().get(utf8(names.get(i % keys)));
                            codec.decode(bytes);
                          }))
              .add(
                  "JetCache",
                  () -> nanos(gets, i -> Objects.requireNonNull(jetCache.get(names.get(i % keys)))))
              .run(SHORT_WARM_UPS, SHORT_ROUNDS);
      checkHits(cache, before, gets);
      report.atMost("L2 hit", "GET and decode", 1.1, Figures.ratio(one, "Escalera", "GET"));
      report.note("L2 hit", "JetCache", Figures.ratio(one, "Escalera", "JetCache"));

      int times = 100;
      long until = cache.stats().l2Hits();
      Figures<List<Double>> many =
          new Rounds(report)
              .add("Escalera", () -> nanos(times, i -> getAll(cache, hundred(names, i))))
              .add("first reads", () -> nanos(times, i -> getAll(small, hundred(names, i))))
              .add(
                  "MGET",
                  () ->
                      nanos(
                          times,
                          i -> {
                            byte[][] asked =
                                hundred(names, i).stream()
                                    .map(CacheBars::utf8)
                                    .toArray(byte[][]::new);
                            for (KeyValue<byte[], byte[]> each : redis.sync().mget(asked)) {
                              codec.decode(each.getValue());
                            }
                          }))
              .run(SHORT_WARM_UPS, SHORT_ROUNDS);
      checkHits(cache, until, times * HUNDRED);
      report.atMost(
          "getAll of 100, all in L2",
          "MGET and decode",
          1.25,
          Figures.ratio(many, "Escalera", "MGET"));
      report.note(
          "the same, L1 has had none of them",
          "MGET and decode",
          Figures.ratio(many, "first reads", "MGET"));
    } finally {
      client.shutdown();
      server.close();
    }
  }

  private static List<String> hundred(List<String> names, int i) {
    int from = i * HUNDRED % names.size();
    return names.subList(from, from + HUNDRED);
  }

  private static void checkHits(TieredCache<String, Quote> cache, long before, int each) {
    if (cache.stats().l2Hits() - before < (SHORT_WARM_UPS + SHORT_ROUNDS) * each * 0.95) {
      throw new IllegalStateException("not hits of L2: " + cache.stats());
    }
  }

  private static void getAll(TieredCache<String, Quote> cache, List<String> asked) {
    if (cache.getAll(asked, none -> Map.of()).size() != HUNDRED) {
      throw new IllegalStateException("not all are there");
    }
  }

  private static void get(TieredCache<String, Quote> cache, String name) {
    Objects.requireNonNull(cache.getIfPresent(name));
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static RedisTieredCache.Builder<String, String> builder(RedisClient client, String name) {
    return RedisTieredCache.builder(client, name, TTL, KeyCodec.string(), ValueCodec.string());
  }

  /** Adds to a call what its loader does not take, which is nothing here. */
  private static void frozen(Report report) throws Exception {
    Duration budget = Duration.ofMillis(50);
    RedisServer server = RedisServer.start();
    RedisClient client = RedisClient.create(server.uri());
    try (TieredCache<String, String> cache =
        builder(client, "frozen").remoteBudget(budget).build()) {
      awaitListening(cache);
      for (int i = 0; i < 5_000; i++) {
        cache.get("warm" + i, key -> "v");
      }
      server.pause();
      List<Double> slow = new ArrayList<>();
      for (int i = 0; cache.stats().l2Available() || slow.isEmpty(); i++) {
        String key = "cold" + i;
        slow.add(nanos(1, once -> cache.get(key, same -> "v")) / budget.toNanos());
      }
      report.atMost(
          "frozen Redis, longest call",
          "remoteBudget, with the timer",
          1.2,
          Ratio.exactly(Collections.max(slow)));
      double[] micros = new double[20_000];
      for (int i = 0; i < micros.length; i++) {
        String key = "then" + i;
        micros[i] = nanos(1, once -> cache.get(key, same -> "v")) / 1_000;
      }
      Arrays.sort(micros);
      report.atMost(
          "then, the median call, us", "nothing", 50, Ratio.exactly(micros[micros.length / 2]));
      report.note(
          "the 90th percentile, us", "nothing", Ratio.exactly(micros[micros.length * 9 / 10]));
    } finally {
      server.resume();
      client.shutdown();
      server.close();
    }
  }

  private static void awaitListening(TieredCache<?, ?> cache) throws InterruptedException {
    while (cache.stats().fenced()) {
      TimeUnit.MILLISECONDS.sleep(10);
    }
  }

  private static final int THREADS = 256;

  /** Until the compiler has no work left, which it would do on the cores that the waiters need. */
  private static final int BURSTS_TO_WARM_UP = 600;

  private static final long LOAD_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private static void coldKey(Report report) throws Exception {
    RedisServer server = RedisServer.start();
    RedisClient first = RedisClient.create(server.uri());
    RedisClient second = RedisClient.create(server.uri());
    try (TieredCache<String, String> one = wide(first);
        TieredCache<String, String> two = wide(second)) {
      awaitListening(one);
      awaitListening(two);
      for (List<TieredCache<String, String>> nodes : List.of(List.of(one), List.of(one, two))) {
        int most = 0;
        List<Double> waits = new ArrayList<>();
        for (int round = -BURSTS_TO_WARM_UP; round < ROUNDS; round++) {
          AtomicInteger loads = new AtomicInteger();
          long load = round < 0 ? TimeUnit.MILLISECONDS.toNanos(1) : LOAD_NANOS;
          double p99 = wait(nodes, "cold-" + nodes.size() + "-" + round, load, loads);
          if (round >= 0) {
            report.progress("  " + nodes.size() + " nodes: p99 " + p99 / 1e6 + " ms, " + loads);
            most = Math.max(most, loads.get());
            waits.add(p99 / LOAD_NANOS);
          }
        }
        String what = "cold key, 256 threads, nodes: " + nodes.size();
        report.atMost(what + ", loads", "one", 1, Ratio.exactly(most));
        List<Double> load = Collections.nCopies(waits.size(), 1.0);
        report.atMost(what + ", p99 of waiters", "the load", 1.1, Ratio.of(waits, load));
      }
    } finally {
      first.shutdown();
      second.shutdown();
      server.close();
    }
  }

  private static TieredCache<String, String> wide(RedisClient client) {
    return builder(client, "cold").remoteBudget(Duration.ofSeconds(1)).build();
  }

  /** Returns the 99th percentile of the times that all who ask for a cold key take. */
  private static double wait(
      List<TieredCache<String, String>> nodes, String key, long load, AtomicInteger loads)
      throws InterruptedException {
    CountDownLatch ready = new CountDownLatch(THREADS);
    CountDownLatch start = new CountDownLatch(1);
    // A thread that ends costs more than one that wakes, and that is not the cache's.
    CountDownLatch served = new CountDownLatch(THREADS);
    double[] nanos = new double[THREADS];
    Thread[] threads = new Thread[THREADS];
    for (int i = 0; i < THREADS; i++) {
      int place = i;
      threads[i] =
          new Thread(
              () -> {
                ready.countDown();
                await(start);
                long began = System.nanoTime();
                try {
                  nodes.get(place % nodes.size()).get(key, same -> load(load, loads));
                  nanos[place] = System.nanoTime() - began;
                } finally {
                  served.countDown();
                }
                await(served);
              });
      threads[i].start();
    }
    ready.await();
    start.countDown();
    for (Thread thread : threads) {
      thread.join();
    }
    Arrays.sort(nanos);
    return nanos[THREADS * 99 / 100];
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static String load(long nanos, AtomicInteger loads) {
    loads.incrementAndGet();
    try {
      TimeUnit.NANOSECONDS.sleep(nanos);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return "v";
  }

  private static void acknowledged(Report report) throws Exception {
    int times = 2_000;
    RedisServer server = RedisServer.start();
    List<RedisClient> clients = new ArrayList<>();
    List<TieredCache<String, String>> nodes = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      clients.add(RedisClient.create(server.uri()));
      nodes.add(
          builder(clients.get(i), "acknowledged")
              .freshness(Freshness.ACKNOWLEDGED)
              .remoteBudget(Duration.ofSeconds(1))
              .build());
      awaitListening(nodes.get(i));
    }
    try (StatefulRedisConnection<String, String> redis = clients.get(0).connect()) {
      // The registry is of use once it is known for a lease.
      TimeUnit.MILLISECONDS.sleep(1_500);
      Figures<List<Double>> p99 =
          new Rounds(report)
              .add(
                  "acknowledged",
                  () -> percentile(times, i -> nodes.get(i % 4).invalidate("k" + i % 100)))
              .add(
                  "two round trips",
                  () ->
                      percentile(
                          times,
                          i -> {
                            redis.sync().get("k");
                            redis.sync().get("k");
                          }))
              .run(WARM_UPS, ROUNDS);
      report.atMost(
          "acknowledged invalidation, 4 nodes, p99",
          "two round trips, p99",
          5,
          Figures.ratio(p99, "acknowledged", "two round trips"));
    } finally {
      nodes.forEach(TieredCache::close);
      clients.forEach(RedisClient::shutdown);
      server.close();
    }
  }

  private static double percentile(int times, Read read) throws Exception {
    double[] nanos = new double[times];
    for (int i = 0; i < times; i++) {
      int each = i;
      nanos[i] = nanos(1, once -> read.once(each));
    }
    Arrays.sort(nanos);
    return nanos[times * 99 / 100];
  }
}
