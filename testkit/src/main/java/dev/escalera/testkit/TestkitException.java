package dev.escalera.testkit;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/**
 * Thrown when a server cannot be found, started or signalled; the message says what to do about it.
 */
public final class TestkitException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  TestkitException(String message) {
    super(message);
  }

  TestkitException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
