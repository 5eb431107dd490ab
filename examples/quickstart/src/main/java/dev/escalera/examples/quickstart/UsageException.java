package dev.escalera.examples.quickstart;

import java.io.Serial;

/** What the user gave cannot be used; the message is the line to show. */
final class UsageException extends Exception {
  @Serial private static final long serialVersionUID = 1L;

  UsageException(String message) {
    super(message);
  }
}
