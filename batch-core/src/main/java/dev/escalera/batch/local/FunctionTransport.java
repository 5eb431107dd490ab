package dev.escalera.batch.local;

import dev.escalera.batch.internal.Prepared;
import dev.escalera.batch.internal.Reply;
import dev.escalera.batch.internal.Transport;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** Sends batches to a function, on threads of its own. */
final class FunctionTransport<T, R> implements Transport<T, List<T>> {
  /** What the host says of its function. */
  record Traits<T>(
      Function<? super T, ? extends @Nullable Object> keyOf,
      ToLongFunction<? super T> sizeOf,
      boolean repeatable,
      boolean allOrNothing,
      @Nullable ToLongFunction<? super T> fingerprintOf) {}

  private final Function<? super List<T>, ? extends List<R>> bulkFunction;
  private final Function<? super R, ? extends Optional<? extends Throwable>> failureOf;
  private final Traits<T> traits;
  private final ExecutorService threads;

  FunctionTransport(
      Function<? super List<T>, ? extends List<R>> bulkFunction,
      Function<? super R, ? extends Optional<? extends Throwable>> failureOf,
      Traits<T> traits,
      int maxThreads) {
    this.bulkFunction = bulkFunction;
    this.failureOf = failureOf;
    this.traits = traits;
    this.threads = Threads.atMost(maxThreads, "escalera-batch-local");
  }

  @Override
  public Prepared<List<T>> prepare(T operation) {
    return Prepared.one(
        List.of(operation),
        traits.keyOf.apply(operation),
        size(operation),
        traits.repeatable,
        null);
  }

  @Override
  public Prepared<List<T>> prepareAtomic(List<? extends T> operations) {
    if (!traits.allOrNothing) {
      throw new UnsupportedOperationException(
          "the bulk function is not said to apply all of a batch or nothing");
    }
    List<T> copy = List.copyOf(operations);
    List<Object> keys = new ArrayList<>();
    for (T operation : copy) {
      keys.add(
          Objects.requireNonNull(
              traits.keyOf.apply(operation), "the key of an operation in an atomic group"));
    }
    long bytes = copy.stream().mapToLong(this::size).sum();
    return new Prepared<>(copy, keys, bytes, copy.size(), true, traits.repeatable, null);
  }

  @Override
  public CompletableFuture<List<Reply>> send(List<List<T>> batch) {
    return CompletableFuture.supplyAsync(() -> replies(batch), threads);
  }

  @Override
  public @Nullable T replayable(T operation, String key) {
    return traits.repeatable && traits.fingerprintOf != null ? operation : null;
  }

  @Override
  public long fingerprint(T operation) {
    // Without one no operation is replayable, and the run ends before this one counts.
    return traits.fingerprintOf == null ? 0 : traits.fingerprintOf.applyAsLong(operation);
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }

  private long size(T operation) {
    long size = traits.sizeOf.applyAsLong(operation);
    if (size < 0) {
      throw new IllegalArgumentException("the size of an operation is " + size);
    }
    return size;
  }

  private List<Reply> replies(List<List<T>> batch) {
    List<T> operations = new ArrayList<>(batch.size());
    batch.forEach(operations::addAll);
    @Nullable List<R> results;
    try {
      results = bulkFunction.apply(operations);
    } catch (RuntimeException e) {
      Reply reply = traits.allOrNothing ? Reply.refusedTogether(e) : Reply.unknown(e);
      return batch.stream().map(each -> reply).toList();
    }
    List<R> checked = checked(results, operations.size());
    List<Reply> replies = new ArrayList<>(batch.size());
    int next = 0;
    for (List<T> group : batch) {
      replies.add(reply(checked.subList(next, next + group.size())));
      next += group.size();
    }
    return replies;
  }

  private static <R> List<R> checked(@Nullable List<R> results, int expected) {
    if (results == null || results.size() != expected) {
      throw new IllegalStateException(
          "the bulk function returned "
              + (results == null ? "null" : results.size() + " results")
              + " for "
              + expected
              + " operations");
    }
    return results;
  }

  /** The first failure of a group is that of the group. */
  private Reply reply(List<R> results) {
    for (R result : results) {
      Optional<? extends Throwable> failure = failureOf.apply(result);
      if (failure.isPresent()) {
        return Reply.refused(failure.get());
      }
    }
    return Reply.APPLIED;
  }
}
