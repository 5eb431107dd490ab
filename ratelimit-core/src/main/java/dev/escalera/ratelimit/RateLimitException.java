package dev.escalera.ratelimit;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/**
 * Thrown when a decision was asked for and none can be returned, such as after an interruption;
 * never for a refusal.
 */
public final class RateLimitException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  /**
   * Makes an exception.
   *
   * @param message operation and key
   * @param cause what went wrong below, if anything
   */
  public RateLimitException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
