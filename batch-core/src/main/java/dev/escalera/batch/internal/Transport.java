package dev.escalera.batch.internal;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The way to a store.
 *
 * @param <T> what hosts submit
 * @param <P> what is sent
 */
public interface Transport<T, P> extends AutoCloseable {
  /** Returns the operation as it is sent; called on the host's thread. */
  Prepared<P> prepare(T operation);

  /** Returns operations of different keys as one that is applied as a whole. */
  default Prepared<P> prepareAtomic(List<? extends T> operations) {
    throw new UnsupportedOperationException("there is no way to apply operations all or none");
  }

  /**
   * Sends a batch; completes with a reply an operation, in order, or fails, after which every
   * outcome is unknown.
   */
  CompletableFuture<List<Reply>> send(List<P> batch);

  /**
   * Returns the operation, with the key if it needs one, so that sending it again after the end of
   * this process leads to the same state; null if that cannot be.
   */
  default @Nullable T replayable(T operation, String key) {
    return null;
  }

  /** Returns a hash of the operation that is the same in every process. */
  default long fingerprint(T operation) {
    throw new UnsupportedOperationException("operations have no fingerprint");
  }

  @Override
  void close();
}
