package dev.escalera.batch;

import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * Reads many keys by few calls: those that are asked for within a moment go out together, each once
 * however many ask for it. Instances are safe for use by any number of threads.
 *
 * <p>A key is read after it was asked for: one who has written sees the own write, and a call that
 * is under way already serves no one who comes later.
 *
 * @param <K> the type of the keys, with equals and hashCode
 * @param <V> the type of the values
 */
public interface BatchLoader<K, V> extends AutoCloseable {
  /**
   * Asks for a key. To cancel the future leaves others who ask for the key alone; a key that no one
   * waits for any more is not read.
   *
   * <p>The future completes on the executor for callbacks, never on a thread of the store's driver.
   *
   * @param key what to read
   * @return the value, empty if there is none; fails with a {@link BatchException} if the key
   *     cannot be read
   * @throws BatchException if too many keys wait already
   * @throws IllegalStateException if this loader is closed
   */
  CompletableFuture<Optional<V>> load(K key);

  /**
   * Reads a key and waits for it.
   *
   * @param key what to read
   * @return the value, empty if there is none
   * @throws BatchException if the key cannot be read, or the thread is interrupted while it waits
   * @throws IllegalStateException if this loader is closed
   */
  default Optional<V> get(K key) {
    CompletableFuture<Optional<V>> value = load(key);
    try {
      return value.get();
    } catch (InterruptedException e) {
      value.cancel(false);
      Thread.currentThread().interrupt();
      throw new BatchException("interrupted while waiting for a key", e);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      throw new BatchException(
          cause == null ? "a key cannot be read" : String.valueOf(cause.getMessage()), cause);
    } catch (CancellationException e) {
      throw new BatchException("the loader was closed before a key was read", e);
    }
  }

  /**
   * Returns what this loader has done.
   *
   * @return counts of this moment
   */
  LoaderStats stats();

  /** Refuses keys from now on; those that wait are cancelled, calls under way end. Idempotent. */
  @Override
  void close();
}
