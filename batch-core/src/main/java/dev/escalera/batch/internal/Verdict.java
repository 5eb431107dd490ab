package dev.escalera.batch.internal;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.WriteStatus;
import org.jspecify.annotations.Nullable;

/**
 * How an operation ends.
 *
 * @param status what became of it
 * @param cause why it was not applied
 */
record Verdict(WriteStatus status, @Nullable Throwable cause) {
  static final Verdict NOT_WANTED = new Verdict(WriteStatus.NOT_ATTEMPTED, null);

  /** Returns how an operation ends for which no one waits any longer. */
  static Verdict givenUp(Operation<?> operation, String executor) {
    return new Verdict(
        operation.attempts == 0 ? WriteStatus.NOT_ATTEMPTED : WriteStatus.UNKNOWN,
        new BatchException(executor + " was closed before the operation was settled", null));
  }
}
