package dev.escalera.sharding.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/** Many calls, not too many at a time: a store refuses more than it can hold in flight. */
public final class Bounded {
  static final int AT_ONCE = 1_000;

  private Bounded() {}

  /** Calls for each item, in order; completes with all results, in order, or a failure. */
  public static <A, B> CompletableFuture<List<B>> all(
      List<A> items, Function<A, CompletableFuture<B>> call) {
    return all(items, AT_ONCE, call);
  }

  /** Calls for each item, {@code atOnce} at a time. */
  public static <A, B> CompletableFuture<List<B>> all(
      List<A> items, int atOnce, Function<A, CompletableFuture<B>> call) {
    return all(items, () -> atOnce, call);
  }

  /**
   * Calls for each item, as many at a time as {@code atOnce} says when one could be next. After a
   * failure no more are begun, and those in flight are waited for.
   */
  public static <A, B> CompletableFuture<List<B>> all(
      List<A> items, IntSupplier atOnce, Function<A, CompletableFuture<B>> call) {
    Run<A, B> run = new Run<>(items, atOnce, call);
    run.go();
    return run.all;
  }

  private static final class Run<A, B> {
    final List<A> items;
    final IntSupplier atOnce;
    final Function<A, CompletableFuture<B>> call;
    final List<CompletableFuture<B>> begun;
    final AtomicInteger inFlight = new AtomicInteger();
    final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    final CompletableFuture<List<B>> all = new CompletableFuture<>();

    /** How often a thread wanted to go on: the first of them does, and looks again for others. */
    final AtomicInteger wanting = new AtomicInteger();

    Run(List<A> items, IntSupplier atOnce, Function<A, CompletableFuture<B>> call) {
      this.items = items;
      this.atOnce = atOnce;
      this.call = call;
      this.begun = new ArrayList<>(items.size());
    }

    /** Begins what may begin; one thread at a time, and never deeper than one call. */
    void go() {
      if (wanting.getAndIncrement() > 0) {
        return;
      }
      int seen = 1;
      while (seen > 0) {
        while (begun.size() < items.size()
            && failure.get() == null
            && inFlight.get() < Math.max(1, atOnce.getAsInt())) {
          begin(items.get(begun.size()));
        }
        if (inFlight.get() == 0) {
          end();
        }
        seen = wanting.addAndGet(-seen);
      }
    }

    private void begin(A item) {
      inFlight.incrementAndGet();
      CompletableFuture<B> answer;
      try {
        answer = call.apply(item);
      } catch (RuntimeException e) {
        answer = CompletableFuture.failedFuture(e);
      }
      begun.add(answer);
      answer.whenComplete(
          (value, failed) -> {
            if (failed != null) {
              failure.compareAndSet(null, failed);
            }
            inFlight.decrementAndGet();
            go();
          });
    }

    private void end() {
      Throwable failed = failure.get();
      if (failed != null) {
        all.completeExceptionally(failed);
      } else if (begun.size() == items.size()) {
        List<B> results = new ArrayList<>(begun.size());
        begun.forEach(answer -> results.add(answer.join()));
        all.complete(results);
      }
    }
  }
}
