package dev.escalera.cache.internal;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** What the host asks for cannot be done: an error of the call that asks, and of those who wait. */
final class RefusedException extends IllegalStateException {
  @Serial private static final long serialVersionUID = 1L;

  RefusedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
