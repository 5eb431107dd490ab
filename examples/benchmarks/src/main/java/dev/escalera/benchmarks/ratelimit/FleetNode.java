package dev.escalera.benchmarks.ratelimit;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * A further JVM of a fleet. Arguments: the contender, the address of Redis, rate and burst. It is
 * warm when it says so, then does its work when it is told to.
 */
final class FleetNode {
  static final int THREADS = 16;
  static final Duration TIME = Duration.ofSeconds(3);
  private static final Duration WARM_UP = Duration.ofSeconds(3);

  private FleetNode() {}

  public static void main(String[] args) throws Exception {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try (Contender contender =
        Contenders.of(args[0], args[1], Long.parseLong(args[2]), Long.parseLong(args[3]))) {
      Load.blocking(contender, THREADS, "hot", WARM_UP.toNanos());
      System.out.println("ready");
      in.readLine();
      Load.Result result = Load.blocking(contender, THREADS, "hot", TIME.toNanos());
      System.out.println(result.perSecond() + " " + result.p99Nanos());
      System.out.flush();
      in.readLine();
    }
  }
}
