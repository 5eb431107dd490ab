package dev.escalera.batch.internal;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.BatchOptions;
import dev.escalera.batch.BatchStats;
import dev.escalera.batch.WriteStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Brings operations to the store and back: an operation waits for its turn among those of its keys,
 * then in its lane, then goes out in a batch; a retry comes back to its lane while its keys stay
 * taken.
 *
 * <p>One lock guards all of this; nothing is called under it that is not ours. Replies are dealt
 * with by one thread, the scheduler's.
 */
final class Dispatcher<P> implements AutoCloseable {
  /** How long the end of a flush waits for the host's callbacks, which may block. */
  private static final long CALLBACKS_NANOS = 1_000_000_000L;

  private final BatchOptions options;
  private final Function<List<P>, CompletableFuture<List<Reply>>> transport;
  private final Scheduler scheduler;
  private final Callbacks callbacks;
  private final Counters counters = new Counters();
  private final @Nullable Meters meters;

  private final ReentrantLock lock = new ReentrantLock();
  private final Room room;
  private final Pace pace;
  private final Pending<P> pending;
  private final Lanes<P> lanes;
  private final Retries retries;
  private boolean closed;

  Dispatcher(
      BatchOptions options,
      Function<List<P>, CompletableFuture<List<Reply>>> transport,
      long maxBatchBytes,
      Scheduler scheduler,
      Instant wallClock) {
    this.options = options;
    this.transport = transport;
    this.scheduler = scheduler;
    this.callbacks = new Callbacks(options.callbacks(), options.name());
    this.room = new Room(lock, options);
    this.pace = new Pace(options, scheduler.nanos(), wallClock);
    this.pending = new Pending<>(options, lock, scheduler, this::after, counters, room);
    this.lanes = new Lanes<>(options, maxBatchBytes, pace, this::after);
    this.retries = new Retries(options);
    this.meters =
        options
            .meterRegistry()
            .map(registry -> new Meters(registry, options.name(), counters, room, pace))
            .orElse(null);
  }

  /** The lane of single submissions. */
  Lane<P> ofSingle() {
    return lanes.ofSingle();
  }

  Lane<P> openLane(int maxConcurrentBatches) {
    lock.lock();
    try {
      return lanes.open(maxConcurrentBatches);
    } finally {
      lock.unlock();
    }
  }

  /** Takes note that no more is submitted to a lane: what is in it waits for no others. */
  void endLane(Lane<P> lane) {
    lock.lock();
    try {
      lane.ended = true;
    } finally {
      lock.unlock();
    }
    dispatch();
  }

  void closeLane(Lane<P> lane) {
    lock.lock();
    try {
      lanes.close(lane);
    } finally {
      lock.unlock();
    }
  }

  /** Takes an operation; waits for room so long at most. */
  void submit(Operation<P> operation, long waitNanos) {
    Prepared<P> prepared = operation.prepared;
    if (prepared.refusal() != null) {
      operation.settled = true;
      counters.settled(WriteStatus.FAILED, prepared.weight());
      operation.observer.settled(operation.result(WriteStatus.FAILED, prepared.refusal()));
      return;
    }
    if (!take(operation)) {
      // What could fill up the batches that linger has no room: they go out as they are.
      dispatch();
      awaitRoom(operation, waitNanos);
    }
  }

  /** Sends what waits and waits for its results; returns how many there are not by then. */
  int flush(Duration timeout) {
    long until;
    lock.lock();
    try {
      lanes.beginFlush();
      until = pending.newest();
    } finally {
      lock.unlock();
    }
    try {
      dispatch();
      return awaitSettled(until, timeout);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BatchException("interrupted while flushing " + options.name(), e);
    } finally {
      lock.lock();
      try {
        lanes.endFlush();
      } finally {
        lock.unlock();
      }
    }
  }

  /** Settles what is not wanted any more and was not sent. */
  void dropCancelled() {
    News<P> news = new News<>(callbacks);
    lock.lock();
    try {
      for (Operation<P> operation : pending.all()) {
        if (operation.attempts == 0 && operation.observer.cancelled()) {
          settle(operation, Verdict.NOT_WANTED, news);
        }
      }
    } finally {
      lock.unlock();
    }
    news.tell();
    dispatch();
  }

  /** Ends all that has no result; returns how many they are. */
  int giveUp() {
    News<P> news = new News<>(callbacks);
    int count = 0;
    lock.lock();
    try {
      for (Operation<P> operation : pending.all()) {
        count += operation.prepared.weight();
        settle(operation, Verdict.givenUp(operation, options.name()), news);
      }
      lanes.clear();
    } finally {
      lock.unlock();
    }
    news.tell();
    return count;
  }

  /** Refuses submissions from now on; returns false if it did before. */
  boolean refuse() {
    lock.lock();
    try {
      if (closed) {
        return false;
      }
      closed = true;
      room.close();
      return true;
    } finally {
      lock.unlock();
    }
  }

  boolean isClosed() {
    lock.lock();
    try {
      return closed;
    } finally {
      lock.unlock();
    }
  }

  BatchStats stats() {
    return new BatchStats(
        options.name(),
        room.operations(),
        room.bytes(),
        counters.activeBatches.get(),
        counters.batches.sum(),
        counters.settled(WriteStatus.APPLIED),
        counters.settled(WriteStatus.ALREADY_APPLIED),
        counters.settled(WriteStatus.FAILED),
        counters.settled(WriteStatus.UNKNOWN),
        counters.settled(WriteStatus.NOT_ATTEMPTED),
        counters.retries.sum(),
        Duration.ofNanos(counters.batchNanos.sum()),
        pace.limit());
  }

  /** How many keys are taken; for tests. */
  int keysTaken() {
    lock.lock();
    try {
      return pending.keysTaken();
    } finally {
      lock.unlock();
    }
  }

  /** Removes the meters. */
  @Override
  public void close() {
    if (meters != null) {
      meters.close();
    }
  }

  /** Takes an operation if there is room for it, and sends a batch that it completes. */
  private boolean take(Operation<P> operation) {
    Batch<P> batch;
    lock.lock();
    try {
      if (pending.isFullFor(operation)) {
        lanes.hurry();
        return false;
      }
      pending.take(operation, 0);
      batch = nextBatch();
    } finally {
      lock.unlock();
    }
    sendFirst(batch);
    return true;
  }

  private void awaitRoom(Operation<P> operation, long waitNanos) {
    Batch<P> batch;
    lock.lock();
    try {
      pending.take(operation, waitNanos);
      if (pending.isShort()) {
        lanes.hurry();
      }
      batch = nextBatch();
    } finally {
      lock.unlock();
    }
    sendFirst(batch);
  }

  private void sendFirst(@Nullable Batch<P> batch) {
    if (batch != null) {
      send(batch);
      dispatch();
    }
  }

  /** Sends all batches that are due and may go out. */
  private void dispatch() {
    while (true) {
      Batch<P> batch;
      lock.lock();
      try {
        batch = nextBatch();
      } finally {
        lock.unlock();
      }
      if (batch == null) {
        return;
      }
      send(batch);
    }
  }

  private @Nullable Batch<P> nextBatch() {
    Batch<P> batch = lanes.next(scheduler.nanos());
    if (batch != null) {
      counters.activeBatches.incrementAndGet();
    }
    return batch;
  }

  private void send(Batch<P> batch) {
    CompletableFuture<List<Reply>> replies;
    try {
      replies = transport.apply(batch.payloads());
    } catch (RuntimeException e) {
      replies = CompletableFuture.failedFuture(e);
    }
    replies.whenComplete(
        (list, failure) -> scheduler.execute(() -> answered(batch, new Answer(list, failure))));
  }

  private void answered(Batch<P> batch, Answer answer) {
    long now = scheduler.nanos();
    News<P> news = new News<>(callbacks);
    lock.lock();
    try {
      lanes.answered(batch);
      batch.teach(pace, answer, now);
      obey(batch, answer, news, now);
    } finally {
      lock.unlock();
    }
    count(now - batch.sent());
    // The next batch goes out before anyone is told.
    dispatch();
    news.tell();
  }

  /** Does what the replies ask for. */
  private void obey(Batch<P> batch, Answer answer, News<P> news, long now) {
    List<Operation<P>> together = new ArrayList<>();
    for (int i = 0; i < batch.operations().size(); i++) {
      Operation<P> operation = batch.operations().get(i);
      Reply reply = answer.to(i);
      if (operation.settled) {
        // Given up meanwhile.
        continue;
      }
      if (reply.outcome() == Reply.Outcome.REFUSED_TOGETHER) {
        together.add(operation);
      } else {
        end(operation, reply, news, now);
      }
    }
    if (together.size() > 1) {
      // Halves are sent until the one that is to blame is alone.
      batch.lane().addParts(together);
    } else if (together.size() == 1) {
      Operation<P> alone = together.get(0);
      end(alone, answer.to(batch.operations().indexOf(alone)), news, now);
    }
  }

  /** Ends an operation, or sends it again. */
  private void end(Operation<P> operation, Reply reply, News<P> news, long now) {
    Verdict verdict = retries.verdict(operation, reply, now);
    if (verdict != null) {
      settle(operation, verdict, news);
      return;
    }
    counters.retries.add(operation.prepared.weight());
    news.retried(operation);
    after(
        retries.backoff(operation),
        () -> {
          if (!operation.settled) {
            operation.lane.addFirst(operation);
            operation.lane.lingerOver = true;
          }
        });
  }

  private void settle(Operation<P> operation, Verdict verdict, News<P> news) {
    news.settled(operation, pending.settle(operation, verdict));
  }

  private void count(long took) {
    counters.activeBatches.decrementAndGet();
    counters.batches.increment();
    counters.batchNanos.add(took);
    if (meters != null) {
      meters.batch(took);
    }
  }

  /** Runs a task under the lock later, then sends what is due. */
  private void after(long nanos, Runnable task) {
    scheduler.after(
        nanos,
        () -> {
          lock.lock();
          try {
            task.run();
          } finally {
            lock.unlock();
          }
          dispatch();
        });
  }

  private int awaitSettled(long until, Duration timeout) throws InterruptedException {
    long left;
    lock.lockInterruptibly();
    try {
      left = pending.awaitSettled(until, Nanos.of(timeout));
      if (left <= 0) {
        return pending.countUntil(until);
      }
    } finally {
      lock.unlock();
    }
    callbacks.await(Math.min(left, CALLBACKS_NANOS));
    return 0;
  }
}
