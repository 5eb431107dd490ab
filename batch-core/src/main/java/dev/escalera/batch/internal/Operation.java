package dev.escalera.batch.internal;

import dev.escalera.batch.WriteResult;
import dev.escalera.batch.WriteStatus;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** An operation on its way. Its mutable state is guarded by the engine's lock. */
final class Operation<P> {
  /** Who is told of the operation; called outside every lock. */
  interface Observer {
    void settled(WriteResult result);

    void retried();

    /** Whether the operation is not wanted any more, if it was not sent yet. */
    boolean cancelled();

    /** Whether what is told runs code of the host's. */
    boolean foreign();
  }

  private static final CompletableFuture<Boolean> PASSED = CompletableFuture.completedFuture(true);

  final Prepared<P> prepared;
  final long index;
  final Observer observer;
  final Lane<P> lane;

  /** Of those without a result, its neighbours in the order of submission. */
  @Nullable Operation<P> before;

  @Nullable Operation<P> after;
  long sequence;

  /** When it was submitted. */
  long taken;

  /** Its places behind others of the same keys. */
  Turns.Claim<P>[] claims = Turns.none();

  int claimsMissing;

  int attempts;
  int retries;
  int overloads;
  long overloadedSince;
  boolean settled;

  /** Whether an attempt may still be applied late, since when, and what says that it cannot. */
  boolean uncertain;

  long uncertainSince;
  CompletableFuture<Boolean> fence = PASSED;

  Operation(Prepared<P> prepared, long index, Observer observer, Lane<P> lane) {
    this.prepared = prepared;
    this.index = index;
    this.observer = observer;
    this.lane = lane;
  }

  void lost(long now, @Nullable CompletableFuture<Boolean> newFence) {
    uncertain = true;
    uncertainSince = now;
    CompletableFuture<Boolean> latest =
        newFence == null ? CompletableFuture.completedFuture(false) : newFence;
    fence = fence.thenCombine(latest, Boolean::logicalAnd);
  }

  WriteResult result(WriteStatus status, @Nullable Throwable cause) {
    Optional<Object> key =
        prepared.keys().size() == 1 ? Optional.of(prepared.keys().get(0)) : Optional.empty();
    return new WriteResult(index, key, status, attempts, Optional.ofNullable(cause));
  }
}
