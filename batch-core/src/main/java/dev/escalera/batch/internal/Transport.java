package dev.escalera.batch.internal;

import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * The way to a store.
 *
 * @param <T> what hosts submit
 * @param <P> what is sent
 */
public interface Transport<T, P> extends AutoCloseable {
  /** Returns the operation as it is sent; called on the host's thread. */
  Prepared<P> prepare(T operation);

  /**
   * Sends a batch; completes with a reply an operation, in order, or fails, after which every
   * outcome is unknown.
   */
  CompletableFuture<List<Reply>> send(List<P> batch);

  @Override
  void close();
}
