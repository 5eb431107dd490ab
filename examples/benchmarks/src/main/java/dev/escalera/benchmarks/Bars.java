package dev.escalera.benchmarks;

/** The speed bars that go by one name. */
@FunctionalInterface
public interface Bars {
  /** Measures every bar and adds a row for each to the report. */
  void measure(Report report) throws Exception;
}
