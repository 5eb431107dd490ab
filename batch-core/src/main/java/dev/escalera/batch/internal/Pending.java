package dev.escalera.batch.internal;

import dev.escalera.batch.BatchOptions;
import dev.escalera.batch.WriteResult;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * All that was taken and has no result: the room that it takes, and the turns of its keys. Guarded
 * by the engine's lock, which the waiting gives up.
 */
final class Pending<P> {
  private final BatchOptions options;
  private final Scheduler scheduler;
  private final Alarm alarm;
  private final Counters counters;
  private final Room room;
  private final Condition settled;
  private final Turns<P> turns = new Turns<>();
  private final Unsettled<P> unsettled = new Unsettled<>();

  Pending(
      BatchOptions options,
      ReentrantLock lock,
      Scheduler scheduler,
      Alarm alarm,
      Counters counters,
      Room room) {
    this.options = options;
    this.scheduler = scheduler;
    this.alarm = alarm;
    this.counters = counters;
    this.room = room;
    this.settled = lock.newCondition();
  }

  /** Whether one that comes now would have to wait for room. */
  boolean isFullFor(Operation<P> operation) {
    return room.isFullFor(operation.prepared.weight(), operation.prepared.bytes());
  }

  /** Whether another one waits for room that there is not. */
  boolean isShort() {
    return room.isShort();
  }

  /** Takes an operation once there is room; it is in its lane if it has its turn. */
  void take(Operation<P> operation, long waitNanos) {
    room.take(operation.prepared.weight(), operation.prepared.bytes(), waitNanos);
    operation.taken = scheduler.nanos();
    unsettled.add(operation);
    if (turns.claim(operation)) {
      operation.lane.add(operation);
    }
  }

  /** Ends an operation, and gives its keys on. */
  WriteResult settle(Operation<P> operation, Verdict verdict) {
    operation.settled = true;
    unsettled.remove(operation);
    counters.settled(verdict.status(), operation.prepared.weight());
    room.release(operation.prepared.weight(), operation.prepared.bytes());
    if (operation.claimsMissing == 0) {
      release(operation);
    }
    settled.signalAll();
    return operation.result(verdict.status(), verdict.cause());
  }

  List<Operation<P>> all() {
    return unsettled.all();
  }

  /** The number of the newest submission, whether or not it has its result. */
  long newest() {
    return unsettled.newest();
  }

  /**
   * Waits until all submissions up to a number have their results, so long at most; returns what is
   * left of the time.
   */
  long awaitSettled(long until, long nanos) throws InterruptedException {
    long left = nanos;
    while (unsettled.oldest() <= until && left > 0) {
      left = settled.awaitNanos(left);
    }
    return left;
  }

  int countUntil(long until) {
    return unsettled.countUntil(until);
  }

  /** How many keys are taken; for tests. */
  int keysTaken() {
    return turns.size();
  }

  private void release(Operation<P> operation) {
    if (!operation.uncertain || operation.claims.length == 0) {
      giveOn(operation);
      return;
    }
    // What was thought lost must not land after what comes next.
    operation.fence.whenComplete(
        (passed, failure) ->
            scheduler.execute(() -> releaseLate(operation, failure == null && passed)));
  }

  private void releaseLate(Operation<P> operation, boolean fenced) {
    long held = scheduler.nanos() - operation.uncertainSince;
    long left = fenced ? 0 : Math.max(0, options.unknownHold().toNanos() - held);
    alarm.after(left, () -> giveOn(operation));
  }

  private void giveOn(Operation<P> operation) {
    long lingered = scheduler.nanos() - options.linger().toNanos();
    turns.release(
        operation,
        next -> {
          next.lane.add(next);
          // To wait for its turn was to wait for others.
          next.lane.lingerOver |= next.taken <= lingered;
        });
  }
}
