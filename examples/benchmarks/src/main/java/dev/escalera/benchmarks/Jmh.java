package dev.escalera.benchmarks;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Runs a class of JMH benchmarks, each method in a JVM of its own, round after round. */
public final class Jmh {
  private static final int WARM_UPS = 5;
  private static final int ITERATIONS = 3;
  private static final int WARM_UP_MILLIS = 1_000;
  private static final int MILLIS = 700;
  private static final String ALLOCATED = "gc.alloc.rate.norm";

  private Jmh() {}

  /**
   * What a method cost.
   *
   * @param nanos nanoseconds an operation, one a round
   * @param bytes bytes allocated an operation, one a round
   */
  public record Cost(List<Double> nanos, List<Double> bytes) {}

  /**
   * Measures every benchmark method of a class.
   *
   * @param benchmark the class
   * @param threads how many threads call a method at once
   * @param rounds how many JVMs a method, in turn with the other methods
   * @param report is told of each figure
   * @return the cost of each method, by its name
   * @throws RunnerException if a benchmark fails
   */
  public static Figures<Cost> run(Class<?> benchmark, int threads, int rounds, Report report)
      throws RunnerException {
    Figures<Cost> costs = new Figures<>();
    for (int round = 0; round < rounds; round++) {
      for (RunResult result : fork(benchmark, threads)) {
        String method = result.getPrimaryResult().getLabel();
        double nanos = result.getPrimaryResult().getScore();
        double bytes =
            Objects.requireNonNull(result.getSecondaryResults().get(ALLOCATED)).getScore();
        report.progress(
            "  %s, %d threads: %s ns, %s B"
                .formatted(method, threads, Ratio.format(nanos), Ratio.format(bytes)));
        Cost cost = costs.ofOrNew(method, () -> new Cost(new ArrayList<>(), new ArrayList<>()));
        cost.nanos().add(nanos);
        cost.bytes().add(bytes);
      }
    }
    return costs;
  }

  private static Collection<RunResult> fork(Class<?> benchmark, int threads)
      throws RunnerException {
    return new Runner(
            new OptionsBuilder()
                .include("^" + benchmark.getName().replace(".", "\\.").replace("$", "\\$") + "\\.")
                .mode(Mode.AverageTime)
                .timeUnit(TimeUnit.NANOSECONDS)
                .threads(threads)
                .forks(1)
                .warmupIterations(WARM_UPS)
                .warmupTime(TimeValue.milliseconds(WARM_UP_MILLIS))
                .measurementIterations(ITERATIONS)
                .measurementTime(TimeValue.milliseconds(MILLIS))
                .addProfiler(GCProfiler.class)
                .shouldFailOnError(true)
                .verbosity(VerboseMode.SILENT)
                .build())
        .run();
  }
}
