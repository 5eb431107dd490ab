package dev.escalera.batch;

import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;

/**
 * Gathers operations into batches and sends them.
 *
 * <p>Operations with the same key are applied in the order of their submission, one at a time;
 * others in any order. Each operation gets exactly one {@link WriteResult}. What waits and what is
 * in flight is bounded. Instances are safe for use by any number of threads; two threads that
 * submit operations of one key decide its order by who comes first.
 *
 * @param <T> the type of the operations
 */
public interface BatchExecutor<T> extends AutoCloseable {
  /**
   * Takes an operation; waits for room or refuses, as {@link WhenFull} says, if as many wait as
   * may.
   *
   * <p>The stage never fails: what went wrong is in the result. It completes outside every lock and
   * never on a thread of the store's driver.
   *
   * @param operation what to do
   * @return the result, when it is there; its index is 0
   * @throws BatchException if there is no room and {@link WhenFull#REJECT} is set, or the thread is
   *     interrupted while it waits; the operation was not taken
   * @throws IllegalStateException if this executor is closed
   */
  CompletionStage<WriteResult> submit(T operation);

  /**
   * Takes operations that are applied all or not at all, in one step of the store: they are never
   * split, and count as many as they are for the bounds.
   *
   * <p>On Firestore they are one commit, on Redis one script that checks everything before its
   * first write, for which all documents must be of one slot where there are slots. What cannot be
   * done so is FAILED and not sent. The stage never fails.
   *
   * @param operations 1 to 500, no two of one key; all have idempotency keys or none has
   * @return a result each, in order, all of the same status
   * @throws IllegalArgumentException if there are none or too many, or two of one key
   * @throws UnsupportedOperationException if what is written to cannot do it
   * @throws BatchException as {@link #submit}
   * @throws IllegalStateException if this executor is closed
   */
  CompletionStage<List<WriteResult>> submitAtomic(List<? extends T> operations);

  /**
   * Sends all that an iterator yields, and reads it no faster than there is room.
   *
   * @param operations what to do; read by one thread of the run's own
   * @param options the name of the run and more
   * @return the run, which has begun
   * @throws IllegalStateException if this executor is closed
   */
  BatchRun execute(Iterator<? extends T> operations, RunOptions options);

  /**
   * Sends all that a publisher yields, and requests no more than there is room for.
   *
   * @param operations what to do; subscribed to once, and cancelled with the run
   * @param options the name of the run and more
   * @return the run, which has begun
   * @throws IllegalStateException if this executor is closed
   */
  BatchRun execute(Flow.Publisher<? extends T> operations, RunOptions options);

  /**
   * Returns what this executor has done and does.
   *
   * @return counts of this moment
   */
  BatchStats stats();

  /**
   * Sends what waits without lingering, and waits until all that was submitted before has its
   * result.
   *
   * @param timeout how long to wait at most
   * @return how many of these operations have no result yet, 0 if all have; they go on
   * @throws BatchException if the thread is interrupted while it waits
   */
  int flush(Duration timeout);

  /**
   * Takes no more operations, waits until all have their results, and closes what this executor
   * opened. What has no result by then gets one: NOT_ATTEMPTED if it was never sent, else UNKNOWN.
   * Idempotent.
   *
   * @param timeout how long to wait at most
   * @return how many operations were given up
   */
  int close(Duration timeout);

  /** Closes with a time-out of one minute. Idempotent. */
  @Override
  default void close() {
    close(Duration.ofMinutes(1));
  }
}
