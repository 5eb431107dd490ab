package dev.escalera.benchmarks.cache;

import dev.escalera.benchmarks.Bars;
import dev.escalera.benchmarks.Figures;
import dev.escalera.benchmarks.Jmh;
import dev.escalera.benchmarks.Ratio;
import dev.escalera.benchmarks.Report;

/** What a hit in the first tier costs. */
public final class CacheBars implements Bars {
  private static final int ROUNDS = 3;
  private static final double SLOWER_THAN_CAFFEINE = 1.5;

  @Override
  public void measure(Report report) throws Exception {
    for (int threads = 1; threads <= 2; threads++) {
      Figures<Jmh.Cost> hit = Jmh.run(LocalHitBenchmark.class, threads, ROUNDS, report);
      Jmh.Cost ours = hit.of("escalera");
      report.atMost(
          "L1 hit, threads: " + threads,
          "Caffeine",
          SLOWER_THAN_CAFFEINE,
          Ratio.of(ours.nanos(), hit.of("caffeine").nanos()));
    }
  }
}
