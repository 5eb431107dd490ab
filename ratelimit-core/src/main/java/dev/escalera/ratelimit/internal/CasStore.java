package dev.escalera.ratelimit.internal;

import java.util.List;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** Documents that are read together and changed together by compare-and-set. */
public interface CasStore {
  /**
   * What was read of some buckets at one time.
   *
   * @param escrows each, null if there is none
   * @param versions of each, opaque
   * @param now the time of the store, in microseconds, no later than that of any write to come
   */
  record Snapshot(List<@Nullable Escrow> escrows, List<@Nullable Object> versions, long now) {}

  CompletionStage<Snapshot> read(List<Target.Key> keys, long timeoutNanos);

  /**
   * Replaces all of them if none has changed since, else none; returns false if another was first.
   */
  CompletionStage<Boolean> write(
      List<Target.Key> keys, Snapshot snapshot, List<Escrow> changed, long timeoutNanos);

  CompletionStage<?> delete(Target.Key key, long timeoutNanos);

  boolean isAvailable();

  void close();
}
