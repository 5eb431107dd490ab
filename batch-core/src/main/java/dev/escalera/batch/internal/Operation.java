package dev.escalera.batch.internal;

import dev.escalera.batch.WriteResult;
import dev.escalera.batch.WriteStatus;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** An operation on its way. Its mutable state is guarded by the engine's lock. */
final class Operation<P> {
  /** Who is told of the operation; called outside every lock. */
  interface Observer {
    void settled(WriteResult result);

    void retried();

    /** Whether the operation is not wanted any more, if it was not sent yet. */
    boolean cancelled();
  }

  final Prepared<P> prepared;
  final long index;
  final Observer observer;

  int attempts;
  boolean settled;

  /** Since when, by nanoTime, an attempt may still be applied late; null if there is none. */
  @Nullable Long unknownSince;

  Operation(Prepared<P> prepared, long index, Observer observer) {
    this.prepared = prepared;
    this.index = index;
    this.observer = observer;
  }

  WriteResult result(WriteStatus status, @Nullable Throwable cause) {
    return new WriteResult(
        index, Optional.ofNullable(prepared.key()), status, attempts, Optional.ofNullable(cause));
  }
}
