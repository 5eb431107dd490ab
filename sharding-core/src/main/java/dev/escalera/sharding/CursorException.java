package dev.escalera.sharding;

import java.io.Serial;

/** Thrown when a cursor is not genuine, of another query, or too old: start with the first page. */
public final class CursorException extends IllegalArgumentException {
  @Serial private static final long serialVersionUID = 1L;

  /** Whether the cursor was good once. */
  private final boolean expired;

  /**
   * Makes an exception.
   *
   * @param message what is wrong
   * @param expired whether the cursor was good once
   */
  public CursorException(String message, boolean expired) {
    super(message);
    this.expired = expired;
  }

  /**
   * Returns whether the cursor was good once, and is too old now.
   *
   * @return false if it was never given out for this query
   */
  public boolean expired() {
    return expired;
  }
}
