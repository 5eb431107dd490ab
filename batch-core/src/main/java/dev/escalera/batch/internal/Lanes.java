package dev.escalera.batch.internal;

import dev.escalera.batch.BatchOptions;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The lanes of an engine: whose turn it is to send, whether that is due, and whether the pace lets
 * it go. Guarded by the engine's lock.
 */
final class Lanes<P> {
  private final BatchOptions options;
  private final long maxBatchBytes;
  private final Pace pace;
  private final Alarm alarm;

  /** Those with something to send take turns; the first one is that of single submissions. */
  private final List<Lane<P>> lanes = new ArrayList<>();

  private final Lane<P> ofSingle;
  private int next;
  private int batchesInFlight;
  private boolean paceTimed;
  private int flushes;

  Lanes(BatchOptions options, long maxBatchBytes, Pace pace, Alarm alarm) {
    this.options = options;
    this.maxBatchBytes = maxBatchBytes;
    this.pace = pace;
    this.alarm = alarm;
    this.ofSingle = open(options.maxConcurrentBatches());
  }

  Lane<P> ofSingle() {
    return ofSingle;
  }

  Lane<P> open(int maxConcurrentBatches) {
    Lane<P> lane = new Lane<>(maxConcurrentBatches);
    lanes.add(lane);
    return lane;
  }

  void close(Lane<P> lane) {
    lanes.remove(lane);
  }

  /** From now on nothing lingers, until as many have ended as have begun. */
  void beginFlush() {
    flushes++;
  }

  void endFlush() {
    flushes--;
  }

  /** What is there lingers no longer: there is no room for what it could wait for. */
  void hurry() {
    lanes.forEach(lane -> lane.lingerOver = !lane.isEmpty());
  }

  /** Takes the next batch that may go out. */
  @Nullable Batch<P> next(long now) {
    for (int i = 0; i < lanes.size() && batchesInFlight < options.maxConcurrentBatches(); i++) {
      next = next + 1 < lanes.size() ? next + 1 : 0;
      Lane<P> lane = lanes.get(next);
      if (lane.isEmpty() || lane.batchesInFlight >= lane.maxConcurrentBatches) {
        continue;
      }
      if (!isDue(lane)) {
        timeLinger(lane);
        continue;
      }
      int wanted = lane.size(options.maxBatchSize());
      int allowed = pace.allowance(now, wanted);
      if (allowed == 0) {
        timePace(now, wanted);
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

  /** Takes note that a batch has its answer. */
  void answered(Batch<P> batch) {
    batchesInFlight--;
    batch.lane().batchesInFlight--;
  }

  /** Forgets all that waits to be sent. */
  void clear() {
    lanes.forEach(Lane::clear);
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
    return new Batch<>(lane, operations, now);
  }

  private boolean isDue(Lane<P> lane) {
    return lane.lingerOver
        || lane.ended
        || flushes > 0
        || options.linger().isZero()
        || lane.hasFull(options.maxBatchSize(), maxBatchBytes);
  }

  private void timeLinger(Lane<P> lane) {
    if (!lane.lingerTimed) {
      lane.lingerTimed = true;
      alarm.after(
          options.linger().toNanos(),
          () -> {
            lane.lingerTimed = false;
            lane.lingerOver = !lane.isEmpty();
          });
    }
  }

  private void timePace(long now, int wanted) {
    if (!paceTimed) {
      paceTimed = true;
      alarm.after(pace.untilAllowance(now, wanted), () -> paceTimed = false);
    }
  }
}
