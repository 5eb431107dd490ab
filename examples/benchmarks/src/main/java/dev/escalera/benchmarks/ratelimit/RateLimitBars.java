package dev.escalera.benchmarks.ratelimit;

import dev.escalera.benchmarks.Bars;
import dev.escalera.benchmarks.Figures;
import dev.escalera.benchmarks.Jmh;
import dev.escalera.benchmarks.Parts;
import dev.escalera.benchmarks.Ratio;
import dev.escalera.benchmarks.Report;
import dev.escalera.benchmarks.Rounds;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.redis.RedisRateLimiter;
import dev.escalera.testkit.Node;
import dev.escalera.testkit.RedisServer;
import io.lettuce.core.RedisClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * What a decision costs, in process and over Redis. {@code -Descalera.bars=hot,async} measures some
 * of local, hot, async, fleet, overload, keys, denied.
 */
public final class RateLimitBars implements Bars {
  private static final int ROUNDS = 3;
  private static final int WARM_UPS = 3;

  /** Rounds of a hot key: many short ones, since the speed of the machine changes by the second. */
  private static final int HOT_ROUNDS = 15;

  /** Until the compiler is done with all contenders. */
  private static final int HOT_WARM_UPS = 15;

  private static final long SHORT = Duration.ofMillis(400).toNanos();
  private static final long LONG = Duration.ofMillis(2_500).toNanos();
  private static final int CALLERS = 64;
  private static final int NODES = 4;
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  /** So many that nobody is denied. */
  private static final long AMPLE = 1_000_000;

  private static final double SLOWER_THAN_BUCKET4J = 1.2;
  private static final double HOT = 2;
  private static final double HOT_ASYNC = 5;
  private static final double FLEET = 3;
  private static final double FLEET_P99 = 1.0 / 3;
  private static final double ADMITTED = 0.99;
  private static final double KEYS = 0.9;
  private static final double KEYS_REDISSON = 3;
  private static final double DENIED_NANOS = 300;

  @Override
  public void measure(Report report) throws Exception {
    Map<String, Parts.Part> parts = new TreeMap<>();
    parts.put("local", RateLimitBars::local);
    parts.put("hot", RateLimitBars::hot);
    parts.put("async", RateLimitBars::async);
    parts.put("fleet", RateLimitBars::fleet);
    parts.put("overload", RateLimitBars::overload);
    parts.put("keys", RateLimitBars::keys);
    parts.put("denied", RateLimitBars::denied);
    Parts.measure(parts, report);
  }

  private static void local(Report report) throws Exception {
    for (int threads = 1; threads <= 2; threads++) {
      Figures<Jmh.Cost> local = Jmh.run(LocalDecisionBenchmark.class, threads, ROUNDS, report);
      report.atMost(
          "decision in process, threads: " + threads,
          "Bucket4j, bucket from a map",
          SLOWER_THAN_BUCKET4J,
          Ratio.of(local.of("escalera").nanos(), local.of("bucket4j").nanos()));
    }
  }

  /** One key and blocking threads. */
  private static void hot(Report report) throws Exception {
    try (Contest contest = new Contest(report, AMPLE, AMPLE)) {
      Figures<List<Double>> figures =
          contest.run(
              HOT_WARM_UPS,
              HOT_ROUNDS,
              contender -> Load.blocking(contender, CALLERS, "hot", SHORT).perSecond(),
              "Escalera",
              "EVALSHA",
              "Bucket4j batching",
              "Bucket4j",
              "Redisson",
              "PING");
      String what = "one key, 64 threads, decisions a second";
      report.atLeast(what, "EVALSHA", HOT, Figures.ratio(figures, "Escalera", "EVALSHA"));
      for (String peer : List.of("Bucket4j batching", "Bucket4j", "Redisson", "PING")) {
        report.note(what, peer, Figures.ratio(figures, "Escalera", peer));
      }
    }
  }

  /** One key and as many decisions in flight. */
  private static void async(Report report) throws Exception {
    try (Contest contest = new Contest(report, AMPLE, AMPLE)) {
      Figures<List<Double>> figures =
          contest.run(
              HOT_WARM_UPS,
              HOT_ROUNDS,
              contender -> Load.inFlight(contender, CALLERS, i -> "hot", SHORT),
              "Escalera leasing",
              "Escalera",
              "EVALSHA",
              "Bucket4j batching",
              "PING");
      String what = "one key, 64 in flight, decisions a second";
      // A key so hot is what leases are for.
      report.atLeast(
          what + ", leasing",
          "EVALSHA",
          HOT_ASYNC,
          Figures.ratio(figures, "Escalera leasing", "EVALSHA"));
      for (String peer : List.of("EVALSHA", "Bucket4j batching", "PING")) {
        report.note(what + ", exact", peer, Figures.ratio(figures, "Escalera", peer));
      }
    }
  }

  /** One key and several JVMs. */
  private static void fleet(Report report) throws Exception {
    Map<String, List<Double>> p99 = new TreeMap<>();
    try (RedisServer server = RedisServer.start()) {
      Rounds rounds = new Rounds(report);
      for (String name : List.of("Escalera leasing", "Escalera", "Bucket4j batching")) {
        p99.put(name, new ArrayList<>());
        rounds.add(name, () -> fleet(server, name, p99));
      }
      Figures<List<Double>> figures = rounds.run(0, ROUNDS);
      String peer = "Bucket4j batching";
      String what = "one key, 4 JVMs of 16 threads, ";
      // A bucket that a whole fleet uses all the time is what leases are for.
      report.atLeast(
          what + "leasing, decisions a second",
          peer,
          FLEET,
          Figures.ratio(figures, "Escalera leasing", peer));
      report.atMost(what + "leasing, p99", peer, FLEET_P99, p99(p99, "Escalera leasing", peer));
      report.note(
          what + "exact, decisions a second", peer, Figures.ratio(figures, "Escalera", peer));
      report.note(what + "exact, p99", peer, p99(p99, "Escalera", peer));
    }
  }

  private static Ratio p99(Map<String, List<Double>> p99, String ours, String peer) {
    return Ratio.of(p99.getOrDefault(ours, List.of()), p99.getOrDefault(peer, List.of()));
  }

  private static double fleet(RedisServer server, String name, Map<String, List<Double>> p99) {
    List<Node> nodes = new ArrayList<>();
    try {
      for (int i = 0; i < NODES; i++) {
        nodes.add(
            Node.start(
                FleetNode.class, name, server.uri(), Long.toString(AMPLE), Long.toString(AMPLE)));
      }
      nodes.forEach(node -> node.readLine(PATIENCE));
      nodes.forEach(node -> node.send("go"));
      double perSecond = 0;
      double worst = 0;
      for (Node node : nodes) {
        String[] figures = node.readLine(PATIENCE).split(" ", -1);
        perSecond += Double.parseDouble(figures[0]);
        worst = Math.max(worst, Double.parseDouble(figures[1]));
      }
      p99.getOrDefault(name, new ArrayList<>()).add(worst);
      return perSecond;
    } finally {
      nodes.forEach(Node::close);
    }
  }

  /** Ten times as much is asked as there is. */
  private static void overload(Report report) throws Exception {
    long rate = 1_000;
    try (Contest contest = new Contest(report, rate, rate)) {
      int[] subject = new int[1];
      Figures<List<Double>> figures =
          contest.run(
              WARM_UPS,
              ROUNDS,
              contender -> {
                // A bucket that is full at first.
                String fresh = "overload-" + subject[0]++;
                long admitted = Load.paced(contender, fresh, 10 * rate, LONG);
                return admitted / (rate + rate * (LONG / 1e9));
              },
              "Escalera",
              "EVALSHA",
              "Bucket4j",
              "Redisson");
      String what = "limit 1,000/s, asked 10,000/s, admitted of what is due";
      Ratio ours =
          Ratio.of(figures.of("Escalera"), figures.of("Escalera").stream().map(x -> 1.0).toList());
      report.atLeast(what, "-", ADMITTED, ours);
      // What is in flight at the end may be granted a moment later.
      report.atMost(what + ", never over", "-", 1.001, ours);
      for (String peer : List.of("EVALSHA", "Bucket4j", "Redisson")) {
        report.note(what, peer, Figures.ratio(figures, "Escalera", peer));
      }
    }
  }

  /** A million keys of which few are asked for often. */
  private static void keys(Report report) throws Exception {
    int[] drawn = Zipf.draw(1_000_000, 0.99, 1 << 20, 20261124L);
    String[] names = IntStream.of(drawn).mapToObj(i -> "user-" + i).toArray(String[]::new);
    int[] next = new int[1];
    IntFunction<String> subjects = i -> names[next[0]++ & (names.length - 1)];
    try (Contest contest = new Contest(report, 100, 100)) {
      Figures<List<Double>> figures =
          contest.run(
              WARM_UPS,
              ROUNDS,
              contender -> Load.inFlight(contender, CALLERS, subjects, LONG),
              "Escalera",
              "EVALSHA",
              "Bucket4j",
              "Redisson");
      String what = "1 M keys by Zipf, 64 in flight, decisions a second";
      report.atLeast(what, "EVALSHA", KEYS, Figures.ratio(figures, "Escalera", "EVALSHA"));
      report.atLeast(
          what, "Redisson", KEYS_REDISSON, Figures.ratio(figures, "Escalera", "Redisson"));
      report.note(what, "Bucket4j", Figures.ratio(figures, "Escalera", "Bucket4j"));
    }
  }

  /** What one who is denied costs until he can be admitted. */
  private static void denied(Report report) throws Exception {
    try (RedisServer server = RedisServer.start()) {
      RedisClient client = RedisClient.create(server.uri());
      try (RateLimiter limiter =
          RedisRateLimiter.builder(client)
              .limit(Limit.of("api", 1, Duration.ofHours(1)))
              .denyCacheMax(Duration.ofMinutes(1))
              .deadline(Duration.ofSeconds(20))
              .build()) {
        limiter.tryAcquire("api", "u");
        limiter.tryAcquire("api", "u");
        long calls = limiter.stats().remoteCalls();
        List<Double> nanos = new ArrayList<>();
        for (int round = 0; round < 2 + ROUNDS; round++) {
          int count = 2_000_000;
          long admitted = 0;
          long before = System.nanoTime();
          for (int i = 0; i < count; i++) {
            admitted += limiter.tryAcquire("api", "u").allowed() ? 1 : 0;
          }
          double each = (System.nanoTime() - before) / (double) count;
          report.progress("  denied: " + each + " ns, admitted " + admitted);
          if (round >= 2) {
            nanos.add(each);
          }
        }
        report.atMost(
            "denied, ns",
            "-",
            DENIED_NANOS,
            Ratio.of(nanos, nanos.stream().map(x -> 1.0).toList()));
        double more = (double) limiter.stats().remoteCalls() - calls;
        report.atMost("denied, calls to Redis", "-", 0, Ratio.exactly(more));
      } finally {
        client.shutdown();
      }
    }
  }

  /** One Redis and those who contend on it. */
  private static final class Contest implements AutoCloseable {
    private final Report report;
    private final RedisServer server = RedisServer.start();
    private final List<Contender> contenders = new ArrayList<>();
    private final long rate;
    private final long burst;

    Contest(Report report, long rate, long burst) {
      this.report = report;
      this.rate = rate;
      this.burst = burst;
    }

    @FunctionalInterface
    interface Work {
      double measure(Contender contender) throws Exception;
    }

    Figures<List<Double>> run(int warmUps, int measured, Work work, String... names)
        throws Exception {
      Rounds rounds = new Rounds(report);
      for (String name : names) {
        Contender contender = Contenders.of(name, server.uri(), rate, burst);
        contenders.add(contender);
        rounds.add(name, () -> work.measure(contender));
      }
      return rounds.run(warmUps, measured);
    }

    @Override
    public void close() {
      contenders.forEach(Contender::close);
      server.close();
    }
  }
}
