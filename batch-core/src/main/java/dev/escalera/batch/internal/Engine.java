package dev.escalera.batch.internal;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.BatchRun;
import dev.escalera.batch.RunOptions;
import dev.escalera.batch.WhenFull;
import dev.escalera.batch.WriteResult;
import dev.escalera.batch.WriteStatus;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The executor itself, over any transport.
 *
 * <p>An operation waits behind those of its key, then in the ready queue, then goes out in a batch;
 * a retry comes back to the ready queue while its key stays taken. One lock guards the queues;
 * nothing is called under it that is not ours.
 */
public final class Engine<T, P> implements BatchExecutor<T> {
  private final String name;
  private final Settings settings;
  private final Transport<T, P> transport;
  private final long maxBatchBytes;
  private final Room room;
  private final ScheduledThreadPoolExecutor timer;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /** All that has no result yet, in the order of submission. */
  private final Set<Operation<P>> unsettled = new LinkedHashSet<>();

  /** What may go out now. */
  private final Deque<Operation<P>> ready = new ArrayDeque<>();

  /** What waits behind the operation that has taken a key. */
  private final Map<Object, Deque<Operation<P>>> waiting = new HashMap<>();

  private int batchesInFlight;
  private boolean lingerOver;
  private boolean lingerTimed;
  private int flushes;
  private boolean closed;

  public Engine(String name, Settings settings, Transport<T, P> transport, long maxBatchBytes) {
    this.name = name;
    this.settings = settings;
    this.transport = transport;
    this.maxBatchBytes = maxBatchBytes;
    this.room = new Room(settings);
    this.timer =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread thread = new Thread(task, "escalera-batch-timer");
              thread.setDaemon(true);
              return thread;
            });
    timer.setRemoveOnCancelPolicy(true);
    timer.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
  }

  @Override
  public CompletionStage<WriteResult> submit(T operation) {
    CompletableFuture<WriteResult> result = new CompletableFuture<>();
    submit(
        operation,
        0,
        settings.whenFull(),
        new Operation.Observer() {
          @Override
          public void settled(WriteResult settled) {
            result.complete(settled);
          }

          @Override
          public void retried() {
            // One who waits for the result has no use for this.
          }

          @Override
          public boolean cancelled() {
            return false;
          }
        });
    return result;
  }

  @Override
  public BatchRun execute(Iterator<? extends T> operations, RunOptions options) {
    checkOpen();
    Run<T, P> run = new Run<>(this, Objects.requireNonNull(operations, "operations"), options);
    run.start();
    return run;
  }

  @Override
  public int flush(Duration timeout) {
    List<Operation<P>> before = beginFlush();
    try {
      dispatch();
      return awaitSettled(before, timeout);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BatchException("interrupted while flushing " + name, e);
    } finally {
      endFlush();
    }
  }

  @Override
  public int close(Duration timeout) {
    lock.lock();
    try {
      if (closed) {
        return 0;
      }
      closed = true;
    } finally {
      lock.unlock();
    }
    room.close();
    try {
      flush(timeout);
      return giveUp();
    } catch (BatchException e) {
      giveUp();
      throw e;
    } finally {
      timer.shutdownNow();
      transport.close();
    }
  }

  /** Takes an operation for one who observes it. */
  void submit(T value, long index, WhenFull whenFull, Operation.Observer observer) {
    Objects.requireNonNull(value, "operation");
    checkOpen();
    Prepared<P> prepared = transport.prepare(value);
    Operation<P> operation = new Operation<>(prepared, index, observer);
    if (prepared.refusal() != null) {
      operation.settled = true;
      observer.settled(operation.result(WriteStatus.FAILED, prepared.refusal()));
      return;
    }
    room.take(prepared.bytes(), whenFull);
    boolean late;
    lock.lock();
    try {
      late = closed;
      if (!late) {
        unsettled.add(operation);
        enqueue(operation);
      }
    } finally {
      lock.unlock();
    }
    if (late) {
      // Closed since there was room: the closing one has not seen this operation.
      room.release(prepared.bytes());
      throw new IllegalStateException(name + " is closed");
    }
    dispatch();
  }

  /** Settles what is not wanted any more and was not sent. */
  void dropCancelled() {
    List<Runnable> told = new ArrayList<>();
    lock.lock();
    try {
      for (Operation<P> operation : List.copyOf(unsettled)) {
        if (operation.attempts == 0 && operation.observer.cancelled()) {
          told.add(settle(operation, WriteStatus.NOT_ATTEMPTED, null));
        }
      }
    } finally {
      lock.unlock();
    }
    told.forEach(Runnable::run);
    dispatch();
  }

  /** How many operations and permits are out; for tests. */
  int pending() {
    return room.operations();
  }

  private List<Operation<P>> beginFlush() {
    lock.lock();
    try {
      flushes++;
      return new ArrayList<>(unsettled);
    } finally {
      lock.unlock();
    }
  }

  private void endFlush() {
    lock.lock();
    try {
      flushes--;
    } finally {
      lock.unlock();
    }
  }

  private void checkOpen() {
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException(name + " is closed");
      }
    } finally {
      lock.unlock();
    }
  }

  private void enqueue(Operation<P> operation) {
    Object key = operation.prepared.key();
    if (key == null) {
      ready.add(operation);
      return;
    }
    Deque<Operation<P>> behind = waiting.get(key);
    if (behind == null) {
      waiting.put(key, new ArrayDeque<>(2));
      ready.add(operation);
    } else {
      behind.add(operation);
    }
  }

  /** Sends all batches that are due and may go out. */
  private void dispatch() {
    while (true) {
      List<Operation<P>> batch;
      lock.lock();
      try {
        batch = nextBatch();
      } finally {
        lock.unlock();
      }
      if (batch.isEmpty()) {
        return;
      }
      send(batch);
    }
  }

  private List<Operation<P>> nextBatch() {
    List<Operation<P>> batch = new ArrayList<>();
    if (ready.isEmpty() || batchesInFlight >= settings.maxConcurrentBatches()) {
      return batch;
    }
    boolean due =
        ready.size() >= settings.maxBatchSize()
            || lingerOver
            || flushes > 0
            || settings.linger().isZero();
    if (!due) {
      timeLinger();
      return batch;
    }
    long bytes = 0;
    while (!ready.isEmpty() && batch.size() < settings.maxBatchSize()) {
      Operation<P> next = ready.peek();
      if (!batch.isEmpty() && bytes + next.prepared.bytes() > maxBatchBytes) {
        break;
      }
      ready.poll();
      if (!next.settled) {
        next.attempts++;
        bytes += next.prepared.bytes();
        batch.add(next);
      }
    }
    lingerOver = lingerOver && !ready.isEmpty();
    if (!batch.isEmpty()) {
      batchesInFlight++;
    }
    return batch;
  }

  private void timeLinger() {
    if (!lingerTimed) {
      lingerTimed = true;
      after(
          settings.linger(),
          () -> {
            lock.lock();
            try {
              lingerTimed = false;
              lingerOver = !ready.isEmpty();
            } finally {
              lock.unlock();
            }
            dispatch();
          });
    }
  }

  private void send(List<Operation<P>> batch) {
    List<P> payloads = batch.stream().map(operation -> operation.prepared.payload()).toList();
    CompletableFuture<List<Reply>> replies;
    try {
      replies = transport.send(payloads);
    } catch (RuntimeException e) {
      replies = CompletableFuture.failedFuture(e);
    }
    // Another thread: what completes here is the host's, and the driver's thread is not for that.
    replies.whenCompleteAsync((list, failure) -> settleBatch(batch, list, failure));
  }

  private void settleBatch(
      List<Operation<P>> batch, @Nullable List<Reply> replies, @Nullable Throwable failure) {
    List<Runnable> told = new ArrayList<>(batch.size());
    lock.lock();
    try {
      batchesInFlight--;
      for (int i = 0; i < batch.size(); i++) {
        Operation<P> operation = batch.get(i);
        if (!operation.settled) {
          told.add(apply(operation, reply(replies, failure, i)));
        }
      }
    } finally {
      lock.unlock();
    }
    // The next batch goes out before anyone is told.
    dispatch();
    told.forEach(Runnable::run);
  }

  private static Reply reply(@Nullable List<Reply> replies, @Nullable Throwable failure, int i) {
    if (replies == null) {
      return Reply.unknown(
          failure == null ? new IllegalStateException("there was no answer") : failure);
    }
    return i < replies.size()
        ? replies.get(i)
        : Reply.unknown(
            new IllegalStateException("the answer ends before operation " + i + " of its batch"));
  }

  /** Does what a reply asks for; returns what to tell the observer, outside the lock. */
  private Runnable apply(Operation<P> operation, Reply reply) {
    boolean again = operation.attempts <= settings.maxRetries();
    switch (reply.outcome()) {
      case APPLIED -> {
        return settle(operation, WriteStatus.APPLIED, null);
      }
      case REFUSED -> {
        // It may be refused because an attempt whose answer was lost has been applied.
        boolean known = operation.unknownSince == null;
        return settle(operation, known ? WriteStatus.FAILED : WriteStatus.UNKNOWN, reply.cause());
      }
      case NOT_APPLIED -> {
        if (again) {
          return retry(operation);
        }
        return settle(
            operation,
            operation.unknownSince == null ? WriteStatus.FAILED : WriteStatus.UNKNOWN,
            reply.cause());
      }
      default -> {
        operation.unknownSince = System.nanoTime();
        return again && operation.prepared.repeatable()
            ? retry(operation)
            : settle(operation, WriteStatus.UNKNOWN, reply.cause());
      }
    }
  }

  private Runnable retry(Operation<P> operation) {
    after(
        backoff(operation.attempts),
        () -> {
          lock.lock();
          try {
            ready.addFirst(operation);
            lingerOver = true;
          } finally {
            lock.unlock();
          }
          dispatch();
        });
    return operation.observer::retried;
  }

  /**
   * Full jitter over a range that doubles; see "Exponential Backoff And Jitter", AWS Architecture
   * Blog, 2015.
   */
  private Duration backoff(int attempts) {
    long first = settings.firstBackoff().toNanos();
    long last = settings.lastBackoff().toNanos();
    long range = attempts > 30 ? last : Math.min(last, first << (attempts - 1));
    return Duration.ofNanos(ThreadLocalRandom.current().nextLong(Math.max(1, range)) + 1);
  }

  private Runnable settle(Operation<P> operation, WriteStatus status, @Nullable Throwable cause) {
    operation.settled = true;
    unsettled.remove(operation);
    releaseKey(operation);
    changed.signalAll();
    WriteResult result = operation.result(status, cause);
    return () -> {
      room.release(operation.prepared.bytes());
      operation.observer.settled(result);
    };
  }

  private void releaseKey(Operation<P> operation) {
    Object key = operation.prepared.key();
    if (key == null) {
      return;
    }
    if (operation.attempts == 0) {
      // It may still wait behind another, whose key it is then.
      Deque<Operation<P>> behind = waiting.get(key);
      if (behind != null && behind.remove(operation)) {
        return;
      }
    }
    Duration hold = hold(operation);
    if (hold.isZero()) {
      next(key);
    } else {
      // What was thought lost must not land after what comes next.
      after(
          hold,
          () -> {
            lock.lock();
            try {
              next(key);
            } finally {
              lock.unlock();
            }
            dispatch();
          });
    }
  }

  private Duration hold(Operation<P> operation) {
    Long since = operation.unknownSince;
    if (since == null) {
      return Duration.ZERO;
    }
    Duration left = settings.unknownHold().minusNanos(System.nanoTime() - since);
    return left.isNegative() ? Duration.ZERO : left;
  }

  private void next(Object key) {
    Deque<Operation<P>> behind = waiting.get(key);
    if (behind == null) {
      return;
    }
    Operation<P> next = behind.poll();
    if (next == null) {
      waiting.remove(key);
    } else {
      ready.add(next);
    }
  }

  private int awaitSettled(List<Operation<P>> operations, Duration timeout)
      throws InterruptedException {
    long deadline = System.nanoTime() + timeout.toNanos();
    int settledSoFar = 0;
    lock.lockInterruptibly();
    try {
      while (true) {
        while (settledSoFar < operations.size() && operations.get(settledSoFar).settled) {
          settledSoFar++;
        }
        long left = deadline - System.nanoTime();
        if (settledSoFar == operations.size() || left <= 0) {
          return (int) operations.stream().filter(operation -> !operation.settled).count();
        }
        if (changed.awaitNanos(left) <= 0) {
          return (int) operations.stream().filter(operation -> !operation.settled).count();
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private int giveUp() {
    List<Runnable> told = new ArrayList<>();
    lock.lock();
    try {
      for (Operation<P> operation : List.copyOf(unsettled)) {
        told.add(
            settle(
                operation,
                operation.attempts == 0 ? WriteStatus.NOT_ATTEMPTED : WriteStatus.UNKNOWN,
                new BatchException(name + " was closed before the operation was settled", null)));
      }
      ready.clear();
    } finally {
      lock.unlock();
    }
    told.forEach(Runnable::run);
    return told.size();
  }

  private void after(Duration delay, Runnable task) {
    if (!timer.isShutdown()) {
      timer.schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
    }
  }
}
