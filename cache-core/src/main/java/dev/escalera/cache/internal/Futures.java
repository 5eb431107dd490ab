package dev.escalera.cache.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

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

  /** Ends a future as another has ended. */
  static <T> void end(CompletableFuture<T> future, T value, @Nullable Throwable failure) {
    if (failure != null) {
      future.completeExceptionally(unwrap(failure));
    } else {
      future.complete(value);
    }
  }

  /** Returns what all futures come to, in their order, or the failure of one. */
  static <T> CompletableFuture<List<T>> all(List<CompletableFuture<T>> futures) {
    if (futures.size() == 1) {
      return futures.get(0).thenApply(List::of);
    }
    return CompletableFuture.allOf(futures.toArray(new CompletableFuture<?>[0]))
        .thenApply(
            done -> {
              List<T> values = new ArrayList<>(futures.size());
              futures.forEach(future -> values.add(future.join()));
              return values;
            });
  }
}
