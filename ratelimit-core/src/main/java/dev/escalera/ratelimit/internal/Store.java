package dev.escalera.ratelimit.internal;

import java.util.List;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** Buckets that a fleet shares. */
public interface Store {
  /**
   * Decisions to make at once.
   *
   * @param targets the buckets, in order
   * @param costs what is asked of each bucket, one request after the other; none only looks
   * @param debit tokens to take first, as far as they are there
   */
  record Batch(List<Target> targets, List<Long> costs, long debit) {}

  /** Throws IllegalArgumentException if these buckets cannot be decided on together. */
  default void check(List<Target> targets) {}

  /** Returns the buckets to ask in place of these. */
  default List<Target> route(List<Target> targets, long cost) {
    return targets;
  }

  /** Returns the buckets over which one is spread. */
  default List<Target> shards(Target target) {
    return List.of(target);
  }

  /** Returns whether several requests for these buckets can be decided by one call. */
  default boolean isMerged(List<Target> targets) {
    return true;
  }

  /**
   * What the store answers.
   *
   * @param before the buckets after the debit and before the costs, under the figures that hold: so
   *     the decisions follow
   * @param debited how much of the debit was there
   * @param pauseNanos for how long those who are denied better do not ask again
   */
  record Reply(List<TokenBucket> before, long debited, long pauseNanos) {}

  /**
   * Takes each cost, in order, from all buckets or from none. Completes within the time in every
   * case, possibly on a thread of the driver; fails if the store does not decide, with {@link
   * NotSentException} if it was not asked.
   */
  CompletionStage<Reply> take(Batch batch, long timeoutNanos);

  /** Takes the cost from what this process has leased; null if there is not enough. */
  default @Nullable Spent spend(List<Target> targets, long cost) {
    return null;
  }

  /** What a lease had left, and of which bucket. */
  record Spent(Target target, Figures figures, long remaining) {}

  /** Fills the bucket. */
  CompletionStage<?> reset(Target target, long timeoutNanos);

  /** Returns whether calls are let through. */
  boolean isAvailable();

  /** Returns how many nodes were last seen to share the buckets, at least 1. */
  int nodes();

  void close();
}
