package dev.escalera.benchmarks.ratelimit;

import dev.escalera.benchmarks.Bars;
import dev.escalera.benchmarks.Figures;
import dev.escalera.benchmarks.Jmh;
import dev.escalera.benchmarks.Ratio;
import dev.escalera.benchmarks.Report;

/** What a decision in process costs. */
public final class RateLimitBars implements Bars {
  private static final int ROUNDS = 3;
  private static final double SLOWER_THAN_BUCKET4J = 1.2;

  @Override
  public void measure(Report report) throws Exception {
    Figures<Jmh.Cost> local = Jmh.run(LocalDecisionBenchmark.class, 1, ROUNDS, report);
    report.atMost(
        "decision in process",
        "Bucket4j, bucket from a map",
        SLOWER_THAN_BUCKET4J,
        Ratio.of(local.of("escalera").nanos(), local.of("bucket4j").nanos()));
  }
}
