package dev.escalera.benchmarks.sharding;

import dev.escalera.benchmarks.Bars;
import dev.escalera.benchmarks.Jmh;
import dev.escalera.benchmarks.Ratio;
import dev.escalera.benchmarks.Report;
import java.util.Collections;

/** What it costs to find the partition of a document. */
public final class ShardingBars implements Bars {
  private static final int ROUNDS = 3;
  private static final double ROUTE_NANOS = 100;

  @Override
  public void measure(Report report) throws Exception {
    Jmh.Cost route = Jmh.run(RouteBenchmark.class, 1, ROUNDS, report).of("escalera");
    report.atMost(
        "route one document, ns",
        "-",
        ROUTE_NANOS,
        Ratio.of(route.nanos(), Collections.nCopies(route.nanos().size(), 1.0)));
  }
}
