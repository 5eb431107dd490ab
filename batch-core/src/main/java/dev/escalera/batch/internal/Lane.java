package dev.escalera.batch.internal;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * What may go out now, of one run or of single submissions: lanes take turns, and none has more
 * than its number of batches in flight. Guarded by the engine's lock.
 */
final class Lane<P> {
  final int maxConcurrentBatches;
  int batchesInFlight;
  boolean lingerOver;
  boolean lingerTimed;

  /** Whether no more is submitted to it. */
  boolean ended;

  private final Deque<Operation<P>> ready = new ArrayDeque<>();

  /** Parts of batches that were refused as a whole. */
  private final Deque<List<Operation<P>>> parts = new ArrayDeque<>();

  private long readyBytes;

  Lane(int maxConcurrentBatches) {
    this.maxConcurrentBatches = maxConcurrentBatches;
  }

  boolean isEmpty() {
    return ready.isEmpty() && parts.isEmpty();
  }

  void add(Operation<P> operation) {
    ready.add(operation);
    readyBytes += operation.prepared.bytes();
  }

  void addFirst(Operation<P> operation) {
    ready.addFirst(operation);
    readyBytes += operation.prepared.bytes();
  }

  void addParts(List<Operation<P>> batch) {
    int half = batch.size() / 2;
    parts.add(new ArrayList<>(batch.subList(0, half)));
    parts.add(new ArrayList<>(batch.subList(half, batch.size())));
  }

  /** How many the next batch could have, at most so many. */
  int size(int maxSize) {
    List<Operation<P>> part = parts.peek();
    return Math.min(maxSize, part == null ? ready.size() : part.size());
  }

  boolean hasFull(int maxSize, long maxBytes) {
    return !parts.isEmpty() || ready.size() >= maxSize || readyBytes >= maxBytes;
  }

  /** Takes a batch out; empty if all that was ready has its result already. */
  List<Operation<P>> take(int maxSize, long maxBytes) {
    List<Operation<P>> part = parts.poll();
    if (part != null) {
      part.removeIf(operation -> operation.settled);
      return part;
    }
    List<Operation<P>> batch = new ArrayList<>(Math.min(maxSize, ready.size()));
    long bytes = 0;
    while (batch.size() < maxSize) {
      Operation<P> next = ready.peek();
      if (next == null) {
        break;
      }
      boolean fits =
          batch.isEmpty()
              || (bytes + next.prepared.bytes() <= maxBytes
                  && !next.prepared.alone()
                  && !batch.get(0).prepared.alone());
      if (!next.settled && !fits) {
        break;
      }
      ready.poll();
      readyBytes -= next.prepared.bytes();
      if (!next.settled) {
        bytes += next.prepared.bytes();
        batch.add(next);
      }
    }
    return batch;
  }

  void clear() {
    ready.clear();
    parts.clear();
    readyBytes = 0;
  }
}
