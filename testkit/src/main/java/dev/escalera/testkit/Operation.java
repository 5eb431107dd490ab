package dev.escalera.testkit;

import org.jspecify.annotations.Nullable;

/**
 * One operation of a {@link History}: what was asked of an object and what came of it.
 *
 * @param process the thread or node that asked; it has one operation at a time
 * @param input what was asked
 * @param outcome what is known of it
 * @param output the result; null unless the outcome is OK, and where the result is null
 * @param invokedNanos {@code nanoTime} before it began
 * @param completedNanos {@code nanoTime} after it ended; an INFO operation gets {@link
 *     Long#MAX_VALUE}, for it may still happen
 * @param <I> the type of what is asked
 * @param <O> the type of the result
 */
public record Operation<I, O>(
    String process,
    I input,
    Outcome outcome,
    @Nullable O output,
    long invokedNanos,
    long completedNanos) {

  /**
   * Checks the times and gives an INFO operation no end.
   *
   * @param process the thread or node that asked
   * @param input what was asked
   * @param outcome what is known of it
   * @param output the result, or null
   * @param invokedNanos {@code nanoTime} before it began
   * @param completedNanos {@code nanoTime} after it ended
   * @throws IllegalArgumentException if the operation ended before it began
   */
  public Operation {
    if (outcome == Outcome.INFO) {
      completedNanos = Long.MAX_VALUE;
    }
    if (completedNanos < invokedNanos) {
      throw new IllegalArgumentException(
          "completedNanos must not be before invokedNanos "
              + invokedNanos
              + " but is "
              + completedNanos);
    }
  }

  /** What is known of an operation. */
  public enum Outcome {
    /** It happened, with this result. */
    OK,
    /** It certainly did not happen. */
    FAIL,
    /** It may have happened, may yet happen, or never will. */
    INFO
  }
}
