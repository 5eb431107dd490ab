package dev.escalera.sharding.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** Many calls, not too many at a time: a store refuses more than it can hold in flight. */
public final class Bounded {
  private static final int AT_ONCE = 1_000;

  private Bounded() {}

  /** Calls for each item, in order; completes with all results, in order, or a failure. */
  public static <A, B> CompletableFuture<List<B>> all(
      List<A> items, Function<A, CompletableFuture<B>> call) {
    return all(items, AT_ONCE, call);
  }

  /** Calls for each item, {@code atOnce} at a time. */
  public static <A, B> CompletableFuture<List<B>> all(
      List<A> items, int atOnce, Function<A, CompletableFuture<B>> call) {
    return from(0, items, atOnce, call, new ArrayList<>(items.size()));
  }

  private static <A, B> CompletableFuture<List<B>> from(
      int start,
      List<A> items,
      int atOnce,
      Function<A, CompletableFuture<B>> call,
      List<B> results) {
    // A loop as long as nothing has to be waited for, so that the stack does not grow.
    for (int at = start; at < items.size(); at += atOnce) {
      int next = at + atOnce;
      List<CompletableFuture<B>> answers =
          items.subList(at, Math.min(items.size(), next)).stream().map(call).toList();
      CompletableFuture<Void> done =
          CompletableFuture.allOf(answers.toArray(CompletableFuture<?>[]::new))
              .thenRun(() -> answers.forEach(answer -> results.add(answer.join())));
      if (!done.isDone() || done.isCompletedExceptionally()) {
        return done.thenCompose(all -> from(next, items, atOnce, call, results));
      }
    }
    return CompletableFuture.completedFuture(results);
  }
}
