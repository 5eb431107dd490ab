package dev.escalera.batch.internal;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.BatchOptions;
import dev.escalera.batch.BatchRun;
import dev.escalera.batch.BatchStats;
import dev.escalera.batch.RunOptions;
import dev.escalera.batch.WhenFull;
import dev.escalera.batch.WriteResult;
import java.time.Duration;
import java.time.Instant;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.stream.IntStream;

/**
 * The executor itself, over any transport: makes operations ready to be sent and hands them to the
 * {@link Dispatcher}.
 */
public final class Engine<T, P> implements BatchExecutor<T> {
  private static final int MAX_ATOMIC = 500;

  private final BatchOptions options;
  private final Transport<T, P> transport;
  private final Scheduler scheduler;
  private final Dispatcher<P> dispatcher;

  public Engine(BatchOptions options, Transport<T, P> transport, long maxBatchBytes) {
    this(options, transport, maxBatchBytes, Scheduler.start("escalera-batch"), Instant.now());
  }

  Engine(
      BatchOptions options,
      Transport<T, P> transport,
      long maxBatchBytes,
      Scheduler scheduler,
      Instant wallClock) {
    this.options = options;
    this.transport = transport;
    this.scheduler = scheduler;
    this.dispatcher =
        new Dispatcher<>(options, transport::send, maxBatchBytes, scheduler, wallClock);
  }

  @Override
  public CompletionStage<WriteResult> submit(T operation) {
    Objects.requireNonNull(operation, "operation");
    checkOpen();
    Single result = new Single();
    submit(transport.prepare(operation), result);
    return result.stage;
  }

  @Override
  public CompletionStage<List<WriteResult>> submitAtomic(List<? extends T> operations) {
    List<T> copy = List.copyOf(operations);
    checkOpen();
    if (copy.isEmpty() || copy.size() > MAX_ATOMIC) {
      throw new IllegalArgumentException(
          copy.size() + " operations shall be applied as one, expected 1 to " + MAX_ATOMIC);
    }
    Prepared<P> prepared = transport.prepareAtomic(copy);
    if (Set.copyOf(prepared.keys()).size() < prepared.keys().size()) {
      throw new IllegalArgumentException("two operations of one key shall be applied as one");
    }
    Single result = new Single();
    submit(prepared, result);
    return result.stage.thenApply(whole -> each(whole, prepared));
  }

  @Override
  public BatchRun execute(Iterator<? extends T> operations, RunOptions runOptions) {
    checkOpen();
    Run<T, P> run =
        new Run<>(this, Source.of(Objects.requireNonNull(operations, "operations")), runOptions);
    run.start();
    return run;
  }

  @Override
  public BatchRun execute(Flow.Publisher<? extends T> operations, RunOptions runOptions) {
    checkOpen();
    Run<T, P> run = new Run<>(this, Source.of(operations, options.maxBatchSize()), runOptions);
    run.start();
    return run;
  }

  @Override
  public BatchStats stats() {
    return dispatcher.stats();
  }

  @Override
  public int flush(Duration timeout) {
    return dispatcher.flush(timeout);
  }

  @Override
  public int close(Duration timeout) {
    if (!dispatcher.refuse()) {
      return 0;
    }
    try {
      dispatcher.flush(timeout);
      return dispatcher.giveUp();
    } catch (BatchException e) {
      dispatcher.giveUp();
      throw e;
    } finally {
      scheduler.close();
      transport.close();
      dispatcher.close();
    }
  }

  boolean isClosed() {
    return dispatcher.isClosed();
  }

  BatchOptions options() {
    return options;
  }

  Transport<T, P> transport() {
    return transport;
  }

  Dispatcher<P> dispatcher() {
    return dispatcher;
  }

  private void submit(Prepared<P> prepared, Single observer) {
    long wait = options.whenFull() == WhenFull.REJECT ? 0 : Nanos.of(options.maxWait());
    dispatcher.submit(new Operation<>(prepared, 0, observer, dispatcher.ofSingle()), wait);
  }

  private static List<WriteResult> each(WriteResult whole, Prepared<?> prepared) {
    return IntStream.range(0, prepared.keys().size())
        .mapToObj(
            i ->
                new WriteResult(
                    i,
                    Optional.of(prepared.keys().get(i)),
                    whole.status(),
                    whole.attempts(),
                    whole.cause()))
        .toList();
  }

  private void checkOpen() {
    if (isClosed()) {
      throw new IllegalStateException(options.name() + " is closed");
    }
  }
}
