package dev.escalera.sharding;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/**
 * Thrown when a store did not do what it was asked to; the message names operation and document.
 */
public final class ShardingException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  /**
   * Makes an exception.
   *
   * @param message operation and key
   * @param cause what went wrong below, if anything
   */
  public ShardingException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
