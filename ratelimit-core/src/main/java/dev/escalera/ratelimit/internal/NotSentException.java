package dev.escalera.ratelimit.internal;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** The call did not reach the store. */
public final class NotSentException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  public NotSentException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
