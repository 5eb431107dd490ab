package dev.escalera.batch;

import java.time.Duration;
import java.util.function.Consumer;

/** A run of {@link BatchExecutor#execute}. Instances are safe for use by any number of threads. */
public interface BatchRun {
  /**
   * Returns how far the run is.
   *
   * @return counts of this moment
   */
  Progress progress();

  /**
   * Calls a listener every now and then, and once more when the run has ended, on a thread of its
   * own: a listener that blocks holds up nothing but itself. One that throws is not called again.
   *
   * @param every how long between two calls, at least 1 ms
   * @param listener whom to call
   * @return this run
   * @throws IllegalArgumentException if the duration is out of range
   */
  BatchRun onProgress(Duration every, Consumer<? super Progress> listener);

  /**
   * Reads no further and gives up what was not sent yet, which is then NOT_ATTEMPTED. Does not
   * wait. Idempotent.
   */
  void cancel();

  /**
   * Waits until every operation that was read has its result, and, for a second at most, until
   * listeners know of the end.
   *
   * @return the report
   * @throws BatchException if the iterator failed: the message names the index, and what was read
   *     before is settled; or if the thread is interrupted, while the run goes on
   */
  BatchReport join();
}
