package dev.escalera.batch.internal;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.BatchReport;
import dev.escalera.batch.BatchRun;
import dev.escalera.batch.Progress;
import dev.escalera.batch.RunOptions;
import dev.escalera.batch.WriteResult;
import dev.escalera.batch.WriteStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One run: a thread that reads the source as there is room, and the counts. */
final class Run<T, P> implements BatchRun, Operation.Observer {
  private static final Logger log = LoggerFactory.getLogger(Run.class);

  private static final int MAX_FAILURES = 100;
  private static final Duration LAST_PROGRESS = Duration.ofSeconds(1);

  private final Engine<T, P> engine;
  private final Source<T> source;
  private final RunOptions options;
  private final Lane<P> lane;
  private final @Nullable Journal<T> journal;
  private final @Nullable FailureSink sink;
  private final long started = System.nanoTime();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Map<WriteStatus, Long> counts = new EnumMap<>(WriteStatus.class);
  private final List<WriteResult> failures = new ArrayList<>();
  private final List<Thread> reporters = new CopyOnWriteArrayList<>();
  private long submitted;
  private long settled;
  private long resumed;
  private long retried;
  private volatile boolean cancelled;
  private boolean ended;
  private long endedAt;
  private @Nullable BatchException failure;

  Run(Engine<T, P> engine, Source<T> source, RunOptions options) {
    this.engine = engine;
    this.source = source;
    this.options = options;
    int most = engine.options().maxConcurrentBatches();
    this.lane =
        engine.dispatcher().openLane(Math.min(most, options.maxConcurrentBatches().orElse(most)));
    this.sink = options.failures().map(told -> new FailureSink(options.name(), told)).orElse(null);
    this.journal =
        options
            .checkpoint()
            .map(
                store -> new Journal<>(store, options.name(), engine.transport(), engine.options()))
            .orElse(null);
  }

  void start() {
    daemon("escalera-batch-run", this::run);
  }

  @Override
  public Progress progress() {
    lock.lock();
    try {
      return new Progress(
          options.name(),
          submitted,
          submitted - settled,
          count(WriteStatus.APPLIED) + count(WriteStatus.ALREADY_APPLIED),
          count(WriteStatus.FAILED),
          count(WriteStatus.UNKNOWN),
          count(WriteStatus.NOT_ATTEMPTED),
          count(WriteStatus.ALREADY_APPLIED),
          resumed,
          retried,
          Duration.ofNanos((ended ? endedAt : System.nanoTime()) - started),
          options.total());
    } finally {
      lock.unlock();
    }
  }

  @Override
  public BatchRun onProgress(Duration every, Consumer<? super Progress> listener) {
    Objects.requireNonNull(listener, "listener");
    if (every.compareTo(Duration.ofMillis(1)) < 0) {
      throw new IllegalArgumentException("every is " + every + ", expected at least 1 ms");
    }
    reporters.add(daemon("escalera-batch-progress", () -> report(every, listener)));
    return this;
  }

  @Override
  public void cancel() {
    cancelled = true;
    source.cancel();
    if (journal != null) {
      journal.cancel();
    }
    engine.dispatcher().dropCancelled();
  }

  @Override
  public BatchReport join() {
    try {
      awaitEnd();
      awaitReporters();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BatchException(
          "interrupted while waiting for run \"" + options.name() + "\", which goes on", e);
    }
    lock.lock();
    try {
      if (failure != null) {
        throw failure;
      }
      return new BatchReport(progress(), failures);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void settled(WriteResult result) {
    if (journal != null) {
      record(journal, result);
    }
    settle(result, false);
  }

  @Override
  public void retried() {
    lock.lock();
    try {
      retried++;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean cancelled() {
    return cancelled;
  }

  @Override
  public boolean foreign() {
    return false;
  }

  private void record(Journal<T> open, WriteResult result) {
    // What a closing executor gave up is sent again by the next run.
    boolean givenUp = result.status() == WriteStatus.UNKNOWN && engine.isClosed();
    if (result.status() == WriteStatus.NOT_ATTEMPTED || givenUp) {
      return;
    }
    if (!open.settled(result)) {
      fail(
          new BatchException(
              "run \""
                  + options.name()
                  + "\" stopped: more operations than its checkpoint can keep, "
                  + Journal.MAX_FAILURES
                  + ", were not applied",
              result.cause().orElse(null)));
      cancel();
    }
  }

  private void settle(WriteResult result, boolean before) {
    boolean told = !result.applied();
    lock.lock();
    try {
      settled++;
      resumed += before ? 1 : 0;
      counts.merge(result.status(), 1L, Long::sum);
      if (told && failures.size() < MAX_FAILURES) {
        failures.add(result);
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (told && sink != null) {
      sink.add(result);
    }
  }

  private void run() {
    try {
      readAll();
      engine.dispatcher().endLane(lane);
      awaitSettled();
      if (journal != null) {
        journal.close();
      }
    } catch (RuntimeException | Error e) {
      fail(endedAt(e));
    } catch (InterruptedException e) {
      fail(new BatchException("run \"" + options.name() + "\" was interrupted", e));
    } finally {
      if (sink != null) {
        sink.close();
      }
      engine.dispatcher().closeLane(lane);
      end();
    }
  }

  private void readAll() throws InterruptedException {
    if (journal != null) {
      journal.open();
    }
    try {
      long index = 0;
      while (!cancelled && source.hasNext()) {
        T operation = Objects.requireNonNull(source.next(), "the source yielded null");
        take(operation, index);
        index++;
      }
      if (journal != null && !cancelled) {
        journal.end(index);
      }
    } catch (RuntimeException | Error e) {
      fail(endedAt(e));
      source.cancel();
    }
    if (cancelled) {
      // What was submitted while the run was being cancelled.
      engine.dispatcher().dropCancelled();
    }
  }

  private void take(T operation, long index) throws InterruptedException {
    T sent = operation;
    if (journal != null) {
      Optional<WriteResult> known = journal.read(index, operation);
      if (known.isPresent()) {
        count(1);
        settle(known.get(), true);
        return;
      }
      sent = journal.replayable(index, operation);
      if (!journal.awaitRoom(index)) {
        return;
      }
    }
    if (sink != null) {
      sink.awaitRoom();
    }
    Prepared<P> prepared = engine.transport().prepare(sent);
    count(1);
    try {
      // A run waits for room, whatever a single submission does.
      engine.dispatcher().submit(new Operation<>(prepared, index, this, lane), Long.MAX_VALUE);
    } catch (RuntimeException | Error e) {
      count(-1);
      throw e;
    }
  }

  private BatchException endedAt(Throwable cause) {
    lock.lock();
    try {
      return new BatchException(
          "run \"" + options.name() + "\" ended at index " + submitted + ": " + cause.getMessage(),
          cause);
    } finally {
      lock.unlock();
    }
  }

  private void fail(BatchException cause) {
    lock.lock();
    try {
      if (failure == null) {
        failure = cause;
      }
    } finally {
      lock.unlock();
    }
  }

  private void count(int by) {
    lock.lock();
    try {
      submitted += by;
    } finally {
      lock.unlock();
    }
  }

  private void end() {
    lock.lock();
    try {
      ended = true;
      endedAt = System.nanoTime();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private long count(WriteStatus status) {
    return counts.getOrDefault(status, 0L);
  }

  private void report(Duration every, Consumer<? super Progress> listener) {
    try {
      while (!awaitEnd(every)) {
        listener.accept(progress());
      }
      listener.accept(progress());
    } catch (RuntimeException e) {
      log.warn("run {}: its progress listener threw and is not called again", options.name(), e);
    }
  }

  private void awaitSettled() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (settled < submitted) {
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }

  private void awaitEnd() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (!ended) {
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Lets the last progress come before what is done after the run. */
  private void awaitReporters() throws InterruptedException {
    long deadline = System.nanoTime() + LAST_PROGRESS.toNanos();
    for (Thread reporter : reporters) {
      long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
      reporter.join(Math.max(1, left));
    }
  }

  private boolean awaitEnd(Duration atMost) {
    long left = atMost.toNanos();
    lock.lock();
    try {
      while (!ended && left > 0) {
        left = changed.awaitNanos(left);
      }
      return ended;
    } catch (InterruptedException e) {
      throw new IllegalStateException("no one interrupts this thread", e);
    } finally {
      lock.unlock();
    }
  }

  private static Thread daemon(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }
}
