package dev.escalera.cache.internal;

import java.util.concurrent.CompletionException;

/** Small help with futures. */
final class Futures {
  private Futures() {}

  /** Returns what a future failed with, without the wrappers that composition adds. */
  static Throwable unwrap(Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }
}
