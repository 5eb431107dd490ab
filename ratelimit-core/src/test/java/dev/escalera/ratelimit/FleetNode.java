package dev.escalera.ratelimit;

import dev.escalera.ratelimit.internal.ProcessClock;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;

/**
 * A node of a fleet in a JVM of its own: asks for one token after the other from several threads,
 * and says what it was granted, and when.
 *
 * <p>It reads lines: {@code run SECONDS}, after which it tells of every grant, and {@code end}.
 */
public final class FleetNode {
  public static final String LIMIT = "fleet";
  public static final String SUBJECT = "all";

  private static final int THREADS = 4;
  private static final int WARM_UP = 1_000;
  private static final long PAUSE_NANOS = 1_000_000;

  /**
   * A grant: when by the clock of the decision, between which nanoseconds of the host's clock, by
   * whom, and what was left.
   */
  public record Grant(long micros, long from, long to, DecisionSource source, long remaining) {
    static Grant parse(String line) {
      String[] parts = line.split(" ", -1);
      return new Grant(
          Long.parseLong(parts[0]),
          Long.parseLong(parts[1]),
          Long.parseLong(parts[2]),
          DecisionSource.valueOf(parts[3]),
          Long.parseLong(parts[4]));
    }

    String line() {
      return micros + " " + from + " " + to + " " + source + " " + remaining;
    }
  }

  private FleetNode() {}

  /** Returns the clock of a process whose time is wrong by so much. */
  public static ProcessClock skewed(Duration skew) {
    return new ProcessClock(() -> System.nanoTime() + skew.toNanos(), Instant.now().plus(skew));
  }

  /** Serves the test until it says that it is over. */
  public static void serve(RateLimiter limiter) throws Exception {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (int i = 0; i < WARM_UP; i++) {
      limiter.tryAcquire(LIMIT, "warm");
    }
    System.out.println("ready");
    for (String line = in.readLine(); !line.equals("end"); line = in.readLine()) {
      run(limiter, Duration.ofSeconds(Long.parseLong(line.substring("run ".length()))));
    }
    limiter.close();
    System.out.println("closed");
  }

  private static void run(RateLimiter limiter, Duration time) throws Exception {
    RateLimiterStats before = limiter.stats();
    long end = System.nanoTime() + time.toNanos();
    ExecutorService pool = Executors.newFixedThreadPool(THREADS);
    List<Future<List<Grant>>> work = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      Callable<List<Grant>> task = () -> ask(limiter, end);
      work.add(pool.submit(task));
    }
    StringBuilder said = new StringBuilder();
    for (Future<List<Grant>> each : work) {
      for (Grant grant : each.get()) {
        said.append(grant.line()).append('\n');
      }
    }
    pool.shutdown();
    RateLimiterStats after = limiter.stats();
    System.out.print(said);
    System.out.printf(
        "done %d %d %d%n",
        sum(after) - sum(before),
        after.remoteCalls() - before.remoteCalls(),
        after.remoteDecisions() - before.remoteDecisions());
    System.out.flush();
  }

  private static List<Grant> ask(RateLimiter limiter, long end) {
    List<Grant> grants = new ArrayList<>();
    for (long from = System.nanoTime(); from < end; from = System.nanoTime()) {
      Decision decision = limiter.tryAcquire(LIMIT, SUBJECT);
      if (decision.allowed()) {
        Instant time = decision.time();
        grants.add(
            new Grant(
                time.getEpochSecond() * 1_000_000 + time.getNano() / 1_000,
                from,
                System.nanoTime(),
                decision.source(),
                decision.remaining()));
      } else {
        LockSupport.parkNanos(PAUSE_NANOS);
      }
    }
    return grants;
  }

  private static long sum(RateLimiterStats stats) {
    return stats.admitted().values().stream().mapToLong(n -> n).sum()
        + stats.denied().values().stream().mapToLong(n -> n).sum();
  }
}
