package dev.escalera.batch;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** Thrown when an operation cannot be taken or a run cannot be finished; the message names it. */
public final class BatchException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  /**
   * Makes an exception.
   *
   * @param message what failed, and for which operation or run
   * @param cause what went wrong below, if anything
   */
  public BatchException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
