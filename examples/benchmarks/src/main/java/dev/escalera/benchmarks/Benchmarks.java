package dev.escalera.benchmarks;

import dev.escalera.benchmarks.batch.BatchBars;
import dev.escalera.benchmarks.batch.LoaderBars;
import dev.escalera.benchmarks.cache.CacheBars;
import dev.escalera.benchmarks.ratelimit.RateLimitBars;
import dev.escalera.benchmarks.sharding.ShardingBars;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Map;

/** Measures the speed bars of a module: {@code bars NAME}. */
public final class Benchmarks {
  private static final int MET = 0;
  private static final int SHORT = 1;
  private static final int BAD_INPUT = 2;
  private static final int BROKEN = 3;

  private final Map<String, Bars> bars;
  private final PrintStream out;
  private final PrintStream err;

  Benchmarks(Map<String, Bars> bars, PrintStream out, PrintStream err) {
    this.bars = bars;
    this.out = out;
    this.err = err;
  }

  /**
   * Measures, prints the table and ends the JVM: by 0 if all bars are met, 1 if one is short, 2 if
   * the arguments are wrong, 3 if a measurement broke down.
   *
   * @param args {@code bars NAME}
   */
  public static void main(String[] args) {
    Map<String, Bars> all = new LinkedHashMap<>();
    all.put("cache", new CacheBars());
    all.put("ratelimit", new RateLimitBars());
    all.put("batch", new BatchBars());
    all.put("loader", new LoaderBars());
    all.put("sharding", new ShardingBars());
    System.exit(new Benchmarks(all, System.out, System.err).run(args));
  }

  int run(String... args) {
    if (args.length != 2 || !args[0].equals("bars") || !bars.containsKey(args[1])) {
      err.println("usage: java -jar benchmarks.jar bars " + String.join("|", bars.keySet()));
      return BAD_INPUT;
    }
    Report report = new Report(err);
    try {
      bars.get(args[1]).measure(report);
    } catch (Exception e) {
      err.println("the measurement of " + args[1] + " broke down");
      e.printStackTrace(err);
      return BROKEN;
    }
    report.print(out);
    return report.isShort() ? SHORT : MET;
  }
}
