package dev.escalera.batch.internal;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What a store said of one operation of a batch. */
public record Reply(Outcome outcome, @Nullable Throwable cause) {
  /** Applied, and nothing more to say. */
  public static final Reply APPLIED = new Reply(Outcome.APPLIED, null);

  /** What is known of the operation. */
  public enum Outcome {
    APPLIED,
    /** Not applied, and it would not be the next time. */
    REFUSED,
    /** Not applied, but it may be the next time. */
    NOT_APPLIED,
    /** Perhaps applied, perhaps still to be. */
    UNKNOWN
  }

  public static Reply refused(Throwable cause) {
    return new Reply(Outcome.REFUSED, Objects.requireNonNull(cause));
  }

  public static Reply notApplied(Throwable cause) {
    return new Reply(Outcome.NOT_APPLIED, Objects.requireNonNull(cause));
  }

  public static Reply unknown(Throwable cause) {
    return new Reply(Outcome.UNKNOWN, Objects.requireNonNull(cause));
  }
}
