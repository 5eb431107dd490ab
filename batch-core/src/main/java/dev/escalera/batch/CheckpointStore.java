package dev.escalera.batch;

import java.util.Optional;

/**
 * Keeps how far runs are, by name. What {@link #save} has returned from must outlive the process.
 * Implementations are safe for use by several threads.
 *
 * <p>A checkpoint says what is done, so an old one in place of a newer costs some writes anew, and
 * one of another run is recognized; to write a wrong one is not safe.
 */
public interface CheckpointStore extends AutoCloseable {
  /**
   * Returns what was saved last.
   *
   * @param name of the run
   * @return a checkpoint, empty if there is none
   * @throws BatchException if it cannot be read
   */
  Optional<byte[]> load(String name);

  /**
   * Replaces the checkpoint of a run; returns once it is durable.
   *
   * @param name of the run
   * @param checkpoint 8 KiB at most, and 300 bytes more for each operation that was not applied
   * @throws BatchException if it cannot be written
   */
  void save(String name, byte[] checkpoint);

  /**
   * Removes the checkpoint of a run, if there is one: the next run of that name begins anew.
   *
   * @param name of the run
   * @throws BatchException if it cannot be removed
   */
  void delete(String name);

  /**
   * Releases what the store has opened for itself; nothing by default. Runs that use it must have
   * ended.
   */
  @Override
  default void close() {
    // Most stores hold nothing open.
  }
}
