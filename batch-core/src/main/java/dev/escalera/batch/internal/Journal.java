package dev.escalera.batch.internal;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.BatchOptions;
import dev.escalera.batch.CheckpointStore;
import dev.escalera.batch.WriteResult;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How far a run is, kept in a store: all operations below a watermark are settled, and some above
 * it. A thread saves it over and over; the run goes no further ahead of what is saved than its
 * window, so that no more than that is ever sent twice.
 *
 * <p>That it is the same run is known by a hash over the operations below the watermark, which are
 * read again and compared before anything is sent.
 */
final class Journal<T> {
  /** How many operations that were not applied it keeps; the run stops at the next one. */
  static final int MAX_FAILURES = 1_000;

  private static final Logger log = LoggerFactory.getLogger(Journal.class);
  private static final long PAUSE_MILLIS = 20;
  private static final int SAVE_ATTEMPTS = 5;

  private final CheckpointStore store;
  private final String name;
  private final Transport<T, ?> transport;
  private final int window;
  private final BatchOptions options;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /** Hashes of the operations from the watermark on, by index modulo the size. */
  private final long[] hashes = new long[Checkpoint.SLOTS];

  private Checkpoint checkpoint = Checkpoint.begin(ThreadLocalRandom.current().nextLong());

  /** The checkpoint as it was found. */
  private Checkpoint found = checkpoint;

  private long rolling = Checkpoint.FIRST_HASH;
  private long sent;
  private long settled;
  private long saved;
  private boolean cancelled;
  private boolean closed;
  private @Nullable RuntimeException failure;
  private @Nullable Thread saver;

  Journal(CheckpointStore store, String name, Transport<T, ?> transport, BatchOptions options) {
    this.store = store;
    this.name = name;
    this.transport = transport;
    this.options = options;
    this.window = Math.min(options.maxPending(), Checkpoint.MAX_AHEAD);
  }

  /** Reads the checkpoint if there is one, else saves a first one; then starts saving. */
  void open() {
    Optional<byte[]> stored = store.load(name);
    if (stored.isPresent()) {
      found = Checkpoint.decode(name, stored.get());
      checkpoint = found.copy();
      log.info("run {} goes on at operation {}", name, found.watermark());
    } else {
      // Its number must be known before an idempotency key is made of it.
      store.save(name, checkpoint.encode());
    }
    saver = new Thread(this::saveAll, "escalera-batch-checkpoint");
    saver.setDaemon(true);
    saver.start();
  }

  /**
   * Takes note of an operation that was read; returns its result if an earlier run has settled it.
   */
  Optional<WriteResult> read(long index, T operation) {
    lock.lock();
    try {
      rolling = Checkpoint.hash(rolling, transport.fingerprint(operation));
      hashes[Checkpoint.slot(index)] = rolling;
      if (index == found.watermark() - 1 && rolling != found.hash()) {
        throw notTheSame("they differ before operation " + found.watermark());
      }
      return found.result(index);
    } finally {
      lock.unlock();
    }
  }

  /** Takes note that there are no more. */
  void end(long count) {
    if (count < found.watermark()) {
      throw notTheSame("they were " + found.watermark() + " or more, and are " + count + " now");
    }
  }

  /** Returns the operation in such a form that it may be sent again by a later run. */
  T replayable(long index, T operation) {
    String key = HexFormat.of().toHexDigits(found.run()) + ":" + index;
    T replayable = transport.replayable(operation, key);
    if (replayable == null) {
      throw new IllegalArgumentException(
          "the operation cannot be repeated safely, which a run with a checkpoint may have to do: "
              + operation);
    }
    return replayable;
  }

  /** Waits until the next one may be sent; returns false if the run was cancelled meanwhile. */
  boolean awaitRoom(long index) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (!cancelled
          && failure == null
          && (sent - saved >= window || index - checkpoint.watermark() >= Checkpoint.MAX_AHEAD)) {
        changed.await();
      }
      if (failure != null) {
        throw failure;
      }
      if (cancelled) {
        return false;
      }
      sent++;
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Takes note of a result; returns false if there is no room for another failure. */
  boolean settled(WriteResult result) {
    lock.lock();
    try {
      if (!result.applied() && checkpoint.failures() >= MAX_FAILURES) {
        return false;
      }
      checkpoint.settled(result, index -> hashes[Checkpoint.slot(index)]);
      settled++;
      changed.signalAll();
      return true;
    } finally {
      lock.unlock();
    }
  }

  void cancel() {
    lock.lock();
    try {
      cancelled = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Saves the last state. */
  void close() throws InterruptedException {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (saver != null) {
      saver.join();
    }
    lock.lock();
    try {
      if (failure != null) {
        throw failure;
      }
    } finally {
      lock.unlock();
    }
  }

  private void saveAll() {
    try {
      while (awaitNews()) {
        saveOnce();
      }
    } catch (RuntimeException e) {
      lock.lock();
      try {
        failure = e;
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException("no one interrupts this thread", e);
    }
  }

  /** Waits until there is something to save; returns false when all is saved and no more comes. */
  private boolean awaitNews() throws InterruptedException {
    lock.lock();
    try {
      while (saved == settled && !closed) {
        changed.await();
      }
      if (!closed) {
        // More will come while this one is being written; the end does not wait.
        long left = TimeUnit.MILLISECONDS.toNanos(PAUSE_MILLIS);
        while (left > 0 && !closed) {
          left = changed.awaitNanos(left);
        }
      }
      return saved < settled;
    } finally {
      lock.unlock();
    }
  }

  private void saveOnce() throws InterruptedException {
    byte[] encoded;
    long covers;
    lock.lock();
    try {
      encoded = checkpoint.encode();
      covers = settled;
    } finally {
      lock.unlock();
    }
    save(encoded);
    lock.lock();
    try {
      saved = covers;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void save(byte[] encoded) throws InterruptedException {
    long backoff = options.firstBackoff().toMillis();
    for (int attempt = 1; ; attempt++) {
      try {
        store.save(name, encoded);
        return;
      } catch (BatchException e) {
        if (attempt == SAVE_ATTEMPTS) {
          throw e;
        }
        log.warn("run {}: its checkpoint could not be saved, trying again", name, e);
        Thread.sleep(backoff);
        backoff = Math.min(2 * backoff, options.lastBackoff().toMillis());
      }
    }
  }

  private BatchException notTheSame(String why) {
    return new BatchException(
        "the operations of run \""
            + name
            + "\" are not those of its checkpoint: "
            + why
            + "; delete the checkpoint to begin anew",
        null);
  }
}
