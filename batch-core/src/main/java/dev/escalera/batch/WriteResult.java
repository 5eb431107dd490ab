package dev.escalera.batch;

import java.util.Objects;
import java.util.Optional;

/**
 * What became of one operation. Immutable.
 *
 * @param index the place of the operation in its run, from 0
 * @param key what its order goes by, empty if it has none
 * @param status what became of it
 * @param attempts how often it was sent, or could not be sent
 * @param cause why it was not applied, empty if it was
 */
public record WriteResult(
    long index, Optional<Object> key, WriteStatus status, int attempts, Optional<Throwable> cause) {
  /**
   * Makes a result.
   *
   * @param index the place of the operation in its run, from 0
   * @param key what its order goes by, empty if it has none
   * @param status what became of it
   * @param attempts how often it was sent, or could not be sent
   * @param cause why it was not applied, empty if it was
   */
  public WriteResult {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(status, "status");
    Objects.requireNonNull(cause, "cause");
  }

  /**
   * Returns whether the operation was applied.
   *
   * @return true if the status is APPLIED or ALREADY_APPLIED
   */
  public boolean applied() {
    return status == WriteStatus.APPLIED || status == WriteStatus.ALREADY_APPLIED;
  }
}
