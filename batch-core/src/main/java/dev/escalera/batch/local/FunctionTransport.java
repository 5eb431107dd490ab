package dev.escalera.batch.local;

import dev.escalera.batch.internal.Prepared;
import dev.escalera.batch.internal.Reply;
import dev.escalera.batch.internal.Transport;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Sends batches to a function, on threads of its own. */
final class FunctionTransport<T, R> implements Transport<T, T> {
  private static final long IDLE_SECONDS = 10;

  private final Function<? super List<T>, ? extends List<R>> bulkFunction;
  private final Function<? super R, ? extends Optional<? extends Throwable>> failureOf;
  private final Function<? super T, ? extends @Nullable Object> keyOf;
  private final ExecutorService threads;

  FunctionTransport(
      Function<? super List<T>, ? extends List<R>> bulkFunction,
      Function<? super R, ? extends Optional<? extends Throwable>> failureOf,
      Function<? super T, ? extends @Nullable Object> keyOf,
      int maxThreads) {
    this.bulkFunction = bulkFunction;
    this.failureOf = failureOf;
    this.keyOf = keyOf;
    // The engine has no more batches in flight than there are threads, so the queue stays empty.
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            maxThreads,
            maxThreads,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              Thread thread = new Thread(task, "escalera-batch-local");
              thread.setDaemon(true);
              return thread;
            });
    pool.allowCoreThreadTimeOut(true);
    this.threads = pool;
  }

  @Override
  public Prepared<T> prepare(T operation) {
    return new Prepared<>(operation, keyOf.apply(operation), 1, false, null);
  }

  @Override
  public CompletableFuture<List<Reply>> send(List<T> batch) {
    return CompletableFuture.supplyAsync(() -> replies(batch), threads);
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }

  private List<Reply> replies(List<T> batch) {
    @Nullable List<R> results = bulkFunction.apply(batch);
    if (results == null || results.size() != batch.size()) {
      throw new IllegalStateException(
          "the bulk function returned "
              + (results == null ? "null" : results.size() + " results")
              + " for "
              + batch.size()
              + " operations");
    }
    List<Reply> replies = new ArrayList<>(batch.size());
    for (R result : results) {
      Optional<? extends Throwable> failure = failureOf.apply(result);
      replies.add(failure.isPresent() ? Reply.refused(failure.get()) : Reply.APPLIED);
    }
    return replies;
  }
}
