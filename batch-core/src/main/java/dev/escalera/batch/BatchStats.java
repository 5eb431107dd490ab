package dev.escalera.batch;

import java.time.Duration;
import java.util.OptionalDouble;

/**
 * What an executor has done since its start and does now. Immutable; the same figures as its
 * meters, read one by one.
 *
 * @param name of the executor
 * @param pending operations that wait or are in flight
 * @param pendingBytes bytes of these
 * @param activeBatches batches in flight
 * @param batches batches that were answered or given up
 * @param applied operations that were applied
 * @param alreadyApplied operations that had been applied before
 * @param failed operations that were refused
 * @param unknown operations whose outcome is not known
 * @param notAttempted operations that were never sent
 * @param retries how often an operation was sent again
 * @param batchTime the time that batches took, summed up
 * @param rateLimit operations a second that may be sent now, empty while there is no bound
 */
public record BatchStats(
    String name,
    long pending,
    long pendingBytes,
    int activeBatches,
    long batches,
    long applied,
    long alreadyApplied,
    long failed,
    long unknown,
    long notAttempted,
    long retries,
    Duration batchTime,
    OptionalDouble rateLimit) {
  /**
   * Returns how many operations have their result.
   *
   * @return a count
   */
  public long settled() {
    return applied + alreadyApplied + failed + unknown + notAttempted;
  }

  /**
   * Returns the share of operations that failed or are unknown among those that were attempted.
   *
   * @return from 0 to 1, 0 when there are none
   */
  public double errorRate() {
    long attempted = settled() - notAttempted;
    return attempted == 0 ? 0 : (double) (failed + unknown) / attempted;
  }

  /**
   * Returns how long a batch took on average.
   *
   * @return a duration, zero when there was none
   */
  public Duration averageBatchTime() {
    return batches == 0 ? Duration.ZERO : batchTime.dividedBy(batches);
  }
}
