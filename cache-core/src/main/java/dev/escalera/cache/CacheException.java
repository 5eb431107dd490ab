package dev.escalera.cache;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** Thrown when a cache cannot do what it was asked for; never for a miss. */
public final class CacheException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  /**
   * Makes an exception.
   *
   * @param message operation, cache and key
   * @param cause what went wrong below, if anything
   */
  public CacheException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
