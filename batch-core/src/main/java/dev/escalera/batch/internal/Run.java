package dev.escalera.batch.internal;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.BatchReport;
import dev.escalera.batch.BatchRun;
import dev.escalera.batch.Progress;
import dev.escalera.batch.RunOptions;
import dev.escalera.batch.WhenFull;
import dev.escalera.batch.WriteResult;
import dev.escalera.batch.WriteStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One run: a thread that reads the iterator as there is room, and the counts. */
final class Run<T, P> implements BatchRun, Operation.Observer {
  private static final Logger log = LoggerFactory.getLogger(Run.class);

  private static final int MAX_FAILURES = 100;
  private static final Duration LAST_PROGRESS = Duration.ofSeconds(1);

  private final Engine<T, P> engine;
  private final Iterator<? extends T> operations;
  private final RunOptions options;
  private final long started = System.nanoTime();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition ended = lock.newCondition();
  private final Map<WriteStatus, Long> counts = new EnumMap<>(WriteStatus.class);
  private final List<WriteResult> failures = new ArrayList<>();
  private final List<Thread> reporters = new CopyOnWriteArrayList<>();
  private long submitted;
  private long settled;
  private long retried;
  private boolean read;
  private boolean cancelled;
  private long endedAt;
  private @Nullable BatchException sourceFailure;

  Run(Engine<T, P> engine, Iterator<? extends T> operations, RunOptions options) {
    this.engine = engine;
    this.operations = operations;
    this.options = options;
  }

  void start() {
    daemon("escalera-batch-run", this::readAll);
  }

  @Override
  public Progress progress() {
    lock.lock();
    try {
      return new Progress(
          options.name(),
          submitted,
          submitted - settled,
          count(WriteStatus.APPLIED),
          count(WriteStatus.FAILED),
          count(WriteStatus.UNKNOWN),
          count(WriteStatus.NOT_ATTEMPTED),
          retried,
          Duration.ofNanos((isEnded() ? endedAt : System.nanoTime()) - started),
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
    lock.lock();
    try {
      cancelled = true;
    } finally {
      lock.unlock();
    }
    engine.dropCancelled();
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
    if (sourceFailure != null) {
      throw sourceFailure;
    }
    return new BatchReport(progress(), failures);
  }

  @Override
  public void settled(WriteResult result) {
    lock.lock();
    try {
      settled++;
      counts.merge(result.status(), 1L, Long::sum);
      if (!result.applied() && failures.size() < MAX_FAILURES) {
        failures.add(result);
      }
      signalIfEnded();
    } finally {
      lock.unlock();
    }
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
    lock.lock();
    try {
      return cancelled;
    } finally {
      lock.unlock();
    }
  }

  private void readAll() {
    long index = 0;
    try {
      while (!cancelled() && operations.hasNext()) {
        T operation = Objects.requireNonNull(operations.next(), "the iterator yielded null");
        count();
        try {
          // A run waits for room, whatever a single submission does.
          engine.submit(operation, index, WhenFull.BLOCK, this);
        } catch (RuntimeException | Error e) {
          uncount();
          throw e;
        }
        index++;
      }
      if (cancelled()) {
        // What was submitted while the run was being cancelled.
        engine.dropCancelled();
      }
    } catch (RuntimeException | Error e) {
      fail(index, e);
    } finally {
      end();
    }
  }

  private void fail(long index, Throwable cause) {
    lock.lock();
    try {
      sourceFailure =
          new BatchException(
              "run \"" + options.name() + "\" ended at index " + index + ": " + cause.getMessage(),
              cause);
    } finally {
      lock.unlock();
    }
  }

  private void count() {
    lock.lock();
    try {
      submitted++;
    } finally {
      lock.unlock();
    }
  }

  private void uncount() {
    lock.lock();
    try {
      submitted--;
    } finally {
      lock.unlock();
    }
  }

  private void end() {
    lock.lock();
    try {
      read = true;
      signalIfEnded();
    } finally {
      lock.unlock();
    }
  }

  private void signalIfEnded() {
    if (isEnded()) {
      endedAt = System.nanoTime();
      ended.signalAll();
    }
  }

  private boolean isEnded() {
    return read && settled == submitted;
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

  private void awaitEnd() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (!isEnded()) {
        ended.await();
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
      while (!isEnded() && left > 0) {
        left = ended.awaitNanos(left);
      }
      return isEnded();
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
