package dev.escalera.batch.internal;

import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * What a store said of one operation of a batch.
 *
 * @param outcome what is known
 * @param cause why it was not applied
 * @param fence for an unknown outcome, completes with true once the attempt cannot be applied any
 *     more, with false if that cannot be found out
 */
public record Reply(
    Outcome outcome, @Nullable Throwable cause, @Nullable CompletableFuture<Boolean> fence) {
  /** Applied, and nothing more to say. */
  public static final Reply APPLIED = new Reply(Outcome.APPLIED, null, null);

  /** Applied by an earlier attempt or someone else with the same key. */
  public static final Reply ALREADY_APPLIED = new Reply(Outcome.ALREADY_APPLIED, null, null);

  /** What is known of the operation. */
  public enum Outcome {
    APPLIED,
    ALREADY_APPLIED,
    /** Not applied, and it would not be the next time. */
    REFUSED,
    /** Not applied because of another one of its batch, or because of itself. */
    REFUSED_TOGETHER,
    /** Not applied, but it may be the next time. */
    NOT_APPLIED,
    /** Not applied, because the store has too much to do. */
    OVERLOADED,
    /** Perhaps applied, perhaps still to be. */
    UNKNOWN
  }

  public static Reply refused(Throwable cause) {
    return new Reply(Outcome.REFUSED, Objects.requireNonNull(cause), null);
  }

  public static Reply refusedTogether(Throwable cause) {
    return new Reply(Outcome.REFUSED_TOGETHER, Objects.requireNonNull(cause), null);
  }

  public static Reply notApplied(Throwable cause) {
    return new Reply(Outcome.NOT_APPLIED, Objects.requireNonNull(cause), null);
  }

  public static Reply overloaded(Throwable cause) {
    return new Reply(Outcome.OVERLOADED, Objects.requireNonNull(cause), null);
  }

  public static Reply unknown(Throwable cause) {
    return new Reply(Outcome.UNKNOWN, Objects.requireNonNull(cause), null);
  }

  public static Reply unknown(Throwable cause, CompletableFuture<Boolean> fence) {
    return new Reply(Outcome.UNKNOWN, Objects.requireNonNull(cause), fence);
  }
}
