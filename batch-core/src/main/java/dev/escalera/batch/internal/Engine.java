package dev.escalera.batch.internal;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.BatchOptions;
import dev.escalera.batch.BatchRun;
import dev.escalera.batch.BatchStats;
import dev.escalera.batch.RunOptions;
import dev.escalera.batch.WhenFull;
import dev.escalera.batch.WriteResult;
import dev.escalera.batch.WriteStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The executor itself, over any transport.
 *
 * <p>An operation waits for its turn among those of its keys, then in its lane, then goes out in a
 * batch; a retry comes back to its lane while its keys stay taken. One lock guards all of this;
 * nothing is called under it that is not ours. Replies are dealt with by one thread of the
 * engine's.
 */
public final class Engine<T, P> implements BatchExecutor<T> {
  private static final int MAX_ATOMIC = 500;

  /** How long the end of a flush waits for the host's callbacks, which may block. */
  private static final long CALLBACKS_NANOS = 1_000_000_000L;

  private final BatchOptions options;
  private final Transport<T, P> transport;
  private final long maxBatchBytes;
  private final Scheduler scheduler;
  private final Callbacks callbacks;
  private final Counters counters = new Counters();
  private final @Nullable Meters meters;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Room room;
  private final Pace pace;
  private final Turns<P> turns = new Turns<>();
  private final Unsettled<P> unsettled = new Unsettled<>();

  /** Those with something to send take turns; the first one is that of single submissions. */
  private final List<Lane<P>> lanes = new ArrayList<>();

  private int nextLane;
  private int batchesInFlight;
  private boolean paceTimed;
  private int flushes;
  private boolean closed;

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
    this.maxBatchBytes = maxBatchBytes;
    this.scheduler = scheduler;
    this.callbacks = new Callbacks(options.callbacks(), options.name());
    this.room = new Room(lock, options);
    this.pace = new Pace(options, scheduler.nanos(), wallClock);
    this.meters =
        options
            .meterRegistry()
            .map(registry -> new Meters(registry, options.name(), counters, room, pace))
            .orElse(null);
    lanes.add(new Lane<>(options.maxConcurrentBatches()));
  }

  @Override
  public CompletionStage<WriteResult> submit(T operation) {
    Objects.requireNonNull(operation, "operation");
    checkOpen();
    Single result = new Single();
    submit(transport.prepare(operation), 0, lanes.get(0), patienceForRoom(), result);
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
    submit(prepared, 0, lanes.get(0), patienceForRoom(), result);
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

  @Override
  public int flush(Duration timeout) {
    long until;
    lock.lock();
    try {
      flushes++;
      until = unsettled.newest();
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
        flushes--;
      } finally {
        lock.unlock();
      }
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
      room.close();
    } finally {
      lock.unlock();
    }
    try {
      flush(timeout);
      return giveUp();
    } catch (BatchException e) {
      giveUp();
      throw e;
    } finally {
      scheduler.close();
      transport.close();
      if (meters != null) {
        meters.close();
      }
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

  BatchOptions options() {
    return options;
  }

  Transport<T, P> transport() {
    return transport;
  }

  Lane<P> openLane(int maxConcurrentBatches) {
    Lane<P> lane = new Lane<>(maxConcurrentBatches);
    lock.lock();
    try {
      lanes.add(lane);
    } finally {
      lock.unlock();
    }
    return lane;
  }

  void closeLane(Lane<P> lane) {
    lock.lock();
    try {
      lanes.remove(lane);
    } finally {
      lock.unlock();
    }
  }

  /** Takes an operation for one who observes it. */
  void submit(
      Prepared<P> prepared, long index, Lane<P> lane, long waitNanos, Operation.Observer observer) {
    Operation<P> operation = new Operation<>(prepared, index, observer, lane);
    if (prepared.refusal() != null) {
      operation.settled = true;
      counters.settled(WriteStatus.FAILED, prepared.weight());
      observer.settled(operation.result(WriteStatus.FAILED, prepared.refusal()));
      return;
    }
    Batch<P> batch;
    lock.lock();
    try {
      room.take(prepared.weight(), prepared.bytes(), waitNanos);
      unsettled.add(operation);
      if (turns.claim(operation)) {
        lane.add(operation);
      }
      batch = nextBatch();
    } finally {
      lock.unlock();
    }
    if (batch != null) {
      send(batch);
      dispatch();
    }
  }

  /** Settles what is not wanted any more and was not sent. */
  void dropCancelled() {
    List<Told<P>> told = new ArrayList<>();
    // Before anyone can learn that something is settled.
    Object ticket = callbacks.announce();
    lock.lock();
    try {
      for (Operation<P> operation : unsettled.all()) {
        if (operation.attempts == 0 && operation.observer.cancelled()) {
          told.add(settle(operation, WriteStatus.NOT_ATTEMPTED, null));
        }
      }
    } finally {
      lock.unlock();
    }
    tell(told, ticket);
    dispatch();
  }

  /** How many keys are taken; for tests. */
  int keysTaken() {
    lock.lock();
    try {
      return turns.size();
    } finally {
      lock.unlock();
    }
  }

  private long patienceForRoom() {
    return options.whenFull() == WhenFull.REJECT ? 0 : nanos(options.maxWait());
  }

  private static long nanos(Duration duration) {
    try {
      return duration.toNanos();
    } catch (ArithmeticException e) {
      return Long.MAX_VALUE;
    }
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

  /** A batch on its way. */
  private record Batch<P>(Lane<P> lane, List<Operation<P>> operations, long sent) {}

  /** What to tell an observer, outside the lock; a retry if there is no result. */
  private record Told<P>(Operation<P> operation, @Nullable WriteResult result) {}

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
    for (int i = 0; i < lanes.size() && batchesInFlight < options.maxConcurrentBatches(); i++) {
      nextLane = nextLane + 1 < lanes.size() ? nextLane + 1 : 0;
      Lane<P> lane = lanes.get(nextLane);
      if (lane.isEmpty() || lane.batchesInFlight >= lane.maxConcurrentBatches) {
        continue;
      }
      if (!isDue(lane)) {
        timeLinger(lane);
        continue;
      }
      long now = scheduler.nanos();
      int allowed = pace.allowance(now, lane.size(options.maxBatchSize()));
      if (allowed == 0) {
        timePace(now, lane.size(options.maxBatchSize()));
        return null;
      }
      List<Operation<P>> operations = lane.take(allowed, maxBatchBytes);
      lane.lingerOver = lane.lingerOver && !lane.isEmpty();
      if (!operations.isEmpty()) {
        return begin(lane, operations, now);
      }
    }
    return null;
  }

  private boolean isDue(Lane<P> lane) {
    return lane.lingerOver
        || flushes > 0
        || options.linger().isZero()
        || lane.hasFull(options.maxBatchSize(), maxBatchBytes);
  }

  private Batch<P> begin(Lane<P> lane, List<Operation<P>> operations, long now) {
    int weight = 0;
    for (Operation<P> operation : operations) {
      operation.attempts++;
      weight += operation.prepared.weight();
    }
    pace.sent(weight);
    batchesInFlight++;
    lane.batchesInFlight++;
    counters.activeBatches.incrementAndGet();
    return new Batch<>(lane, operations, now);
  }

  private void timeLinger(Lane<P> lane) {
    if (lane.lingerTimed) {
      return;
    }
    lane.lingerTimed = true;
    scheduler.after(
        options.linger().toNanos(),
        () -> {
          lock.lock();
          try {
            lane.lingerTimed = false;
            lane.lingerOver = !lane.isEmpty();
          } finally {
            lock.unlock();
          }
          dispatch();
        });
  }

  private void timePace(long now, int wanted) {
    if (paceTimed) {
      return;
    }
    paceTimed = true;
    scheduler.after(
        pace.untilAllowance(now, wanted),
        () -> {
          lock.lock();
          try {
            paceTimed = false;
          } finally {
            lock.unlock();
          }
          dispatch();
        });
  }

  private void send(Batch<P> batch) {
    List<P> payloads = new ArrayList<>(batch.operations.size());
    batch.operations.forEach(operation -> payloads.add(operation.prepared.payload()));
    CompletableFuture<List<Reply>> replies;
    try {
      replies = transport.send(payloads);
    } catch (RuntimeException e) {
      replies = CompletableFuture.failedFuture(e);
    }
    replies.whenComplete(
        (list, failure) -> scheduler.execute(() -> answered(batch, list, failure)));
  }

  private void answered(
      Batch<P> batch, @Nullable List<Reply> replies, @Nullable Throwable failure) {
    long now = scheduler.nanos();
    long took = now - batch.sent;
    List<Told<P>> told = new ArrayList<>(batch.operations.size());
    // Before anyone can learn that something is settled.
    Object ticket = callbacks.announce();
    lock.lock();
    try {
      batchesInFlight--;
      batch.lane.batchesInFlight--;
      learn(batch, replies, failure, now, took);
      List<Operation<P>> together = new ArrayList<>();
      for (int i = 0; i < batch.operations.size(); i++) {
        Operation<P> operation = batch.operations.get(i);
        if (!operation.settled) {
          Reply reply = reply(replies, failure, i);
          if (reply.outcome() == Reply.Outcome.REFUSED_TOGETHER) {
            together.add(operation);
          } else {
            told.add(apply(operation, reply, now));
          }
        }
      }
      divide(batch, together, replies, told, now);
    } finally {
      lock.unlock();
    }
    counters.activeBatches.decrementAndGet();
    counters.batches.increment();
    counters.batchNanos.add(took);
    if (meters != null) {
      meters.batch(took);
    }
    // The next batch goes out before anyone is told.
    dispatch();
    tell(told, ticket);
  }

  private void learn(
      Batch<P> batch,
      @Nullable List<Reply> replies,
      @Nullable Throwable failure,
      long now,
      long took) {
    int size = 0;
    int applied = 0;
    int overloaded = 0;
    for (int i = 0; i < batch.operations.size(); i++) {
      int weight = batch.operations.get(i).prepared.weight();
      Reply.Outcome outcome = reply(replies, failure, i).outcome();
      size += weight;
      applied +=
          outcome == Reply.Outcome.APPLIED || outcome == Reply.Outcome.ALREADY_APPLIED ? weight : 0;
      overloaded += outcome == Reply.Outcome.OVERLOADED ? weight : 0;
    }
    pace.answered(now, took, size, applied, overloaded);
  }

  /** Sends the halves of what was refused together, until the one that is to blame is alone. */
  private void divide(
      Batch<P> batch,
      List<Operation<P>> together,
      @Nullable List<Reply> replies,
      List<Told<P>> told,
      long now) {
    if (together.size() > 1) {
      batch.lane.addParts(together);
    } else if (together.size() == 1) {
      Operation<P> alone = together.get(0);
      Reply reply = reply(replies, null, batch.operations.indexOf(alone));
      told.add(apply(alone, new Reply(Reply.Outcome.REFUSED, reply.cause(), null), now));
    }
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

  /** Does what a reply asks for; returns what to tell the observer. */
  private Told<P> apply(Operation<P> operation, Reply reply, long now) {
    switch (reply.outcome()) {
      case APPLIED -> {
        return settle(operation, WriteStatus.APPLIED, null);
      }
      case ALREADY_APPLIED -> {
        return settle(operation, WriteStatus.ALREADY_APPLIED, null);
      }
      case NOT_APPLIED -> {
        return mayRetry(operation) ? retry(operation) : refuse(operation, reply);
      }
      case OVERLOADED -> {
        return isPatient(operation, now) ? retry(operation) : refuse(operation, reply);
      }
      case UNKNOWN -> {
        operation.lost(now, reply.fence());
        return operation.prepared.repeatable() && mayRetry(operation)
            ? retry(operation)
            : settle(operation, WriteStatus.UNKNOWN, reply.cause());
      }
      default -> {
        return refuse(operation, reply);
      }
    }
  }

  private boolean mayRetry(Operation<P> operation) {
    if (operation.retries >= options.maxRetries()) {
      return false;
    }
    operation.retries++;
    return true;
  }

  private boolean isPatient(Operation<P> operation, long now) {
    if (operation.overloads++ == 0) {
      operation.overloadedSince = now;
    }
    return now - operation.overloadedSince < options.patience().toNanos();
  }

  private Told<P> refuse(Operation<P> operation, Reply reply) {
    // It may be refused because an attempt whose answer was lost has been applied.
    return settle(
        operation, operation.uncertain ? WriteStatus.UNKNOWN : WriteStatus.FAILED, reply.cause());
  }

  private Told<P> retry(Operation<P> operation) {
    counters.retries.add(operation.prepared.weight());
    scheduler.after(
        backoff(operation.retries + operation.overloads),
        () -> {
          lock.lock();
          try {
            if (!operation.settled) {
              operation.lane.addFirst(operation);
            }
          } finally {
            lock.unlock();
          }
          dispatch();
        });
    return new Told<>(operation, null);
  }

  /**
   * Full jitter over a range that doubles; see "Exponential Backoff And Jitter", AWS Architecture
   * Blog, 2015.
   */
  private long backoff(int times) {
    long first = options.firstBackoff().toNanos();
    long last = options.lastBackoff().toNanos();
    // An hour shifted by 20 is still a long.
    long range = times > 20 ? last : Math.min(last, first << (times - 1));
    return ThreadLocalRandom.current().nextLong(Math.max(1, range)) + 1;
  }

  private Told<P> settle(Operation<P> operation, WriteStatus status, @Nullable Throwable cause) {
    operation.settled = true;
    unsettled.remove(operation);
    counters.settled(status, operation.prepared.weight());
    room.release(operation.prepared.weight(), operation.prepared.bytes());
    if (operation.claimsMissing == 0) {
      release(operation);
    }
    changed.signalAll();
    return new Told<>(operation, operation.result(status, cause));
  }

  private void release(Operation<P> operation) {
    if (!operation.uncertain || operation.claims.length == 0) {
      turns.release(operation, next -> next.lane.add(next));
      return;
    }
    // What was thought lost must not land after what comes next.
    operation.fence.whenComplete(
        (passed, failure) ->
            scheduler.execute(
                () -> {
                  boolean safe = failure == null && passed;
                  long left =
                      options.unknownHold().toNanos()
                          - (scheduler.nanos() - operation.uncertainSince);
                  scheduler.after(safe ? 0 : Math.max(0, left), () -> releaseLate(operation));
                }));
  }

  private void releaseLate(Operation<P> operation) {
    lock.lock();
    try {
      turns.release(operation, next -> next.lane.add(next));
    } finally {
      lock.unlock();
    }
    dispatch();
  }

  private void tell(List<Told<P>> told, Object ticket) {
    List<Told<P>> foreign = new ArrayList<>();
    for (Told<P> each : told) {
      if (each.operation.observer.foreign()) {
        foreign.add(each);
      } else {
        tell(each);
      }
    }
    if (foreign.isEmpty()) {
      callbacks.withdraw(ticket);
    } else {
      callbacks.run(ticket, () -> foreign.forEach(this::tell));
    }
  }

  private void tell(Told<P> told) {
    if (told.result == null) {
      told.operation.observer.retried();
    } else {
      told.operation.observer.settled(told.result);
    }
  }

  private int awaitSettled(long until, Duration timeout) throws InterruptedException {
    long left = nanos(timeout);
    lock.lockInterruptibly();
    try {
      while (unsettled.oldest() <= until && left > 0) {
        left = changed.awaitNanos(left);
      }
      if (left <= 0) {
        return unsettled.countUntil(until);
      }
    } finally {
      lock.unlock();
    }
    callbacks.await(Math.min(left, CALLBACKS_NANOS));
    return 0;
  }

  private int giveUp() {
    List<Told<P>> told = new ArrayList<>();
    Object ticket = callbacks.announce();
    int count = 0;
    lock.lock();
    try {
      for (Operation<P> operation : unsettled.all()) {
        count += operation.prepared.weight();
        told.add(
            settle(
                operation,
                operation.attempts == 0 ? WriteStatus.NOT_ATTEMPTED : WriteStatus.UNKNOWN,
                new BatchException(
                    options.name() + " was closed before the operation was settled", null)));
      }
      lanes.forEach(Lane::clear);
    } finally {
      lock.unlock();
    }
    tell(told, ticket);
    return count;
  }

  /** The observer of a single submission. */
  private static final class Single implements Operation.Observer {
    final CompletableFuture<WriteResult> stage = new CompletableFuture<>();

    @Override
    public void settled(WriteResult result) {
      stage.complete(result);
    }

    @Override
    public void retried() {
      // One who waits for the result has no use for this.
    }

    @Override
    public boolean cancelled() {
      return false;
    }

    @Override
    public boolean foreign() {
      return true;
    }
  }
}
