package dev.escalera.batch.internal;

import dev.escalera.batch.DocumentWrite;

/** Which document writes a run may send again after a restart. */
public final class Replays {
  private Replays() {}

  /**
   * Returns the write as it may be sent again with the same effect: itself if it has a key or
   * overwrites what it wrote, else with {@code key}. An update may fail by its own first attempt.
   */
  public static DocumentWrite replayable(DocumentWrite write, String key) {
    boolean same =
        write.idempotencyKey().isPresent()
            || (write.repeatable() && write.kind() != DocumentWrite.Kind.UPDATE);
    return same ? write : write.withKey(key);
  }
}
