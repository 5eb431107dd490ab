package dev.escalera.batch;

import java.util.List;

/**
 * How a run ended. Immutable.
 *
 * @param progress the final counts and the duration
 * @param failures the first 100 results that are not APPLIED, in the order in which they came
 */
public record BatchReport(Progress progress, List<WriteResult> failures) {
  /**
   * Makes a report.
   *
   * @param progress the final counts and the duration
   * @param failures the first 100 results that are not APPLIED, in the order in which they came
   */
  public BatchReport {
    failures = List.copyOf(failures);
  }

  /**
   * Returns whether every operation was applied.
   *
   * @return true if applied and submitted are equal
   */
  public boolean allApplied() {
    return progress.applied() == progress.submitted();
  }
}
