package dev.escalera.batch.internal;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What came back for a batch, however much or little that is.
 *
 * @param replies a reply an operation, perhaps too few; null if the call failed
 * @param failure of the call
 */
record Answer(@Nullable List<Reply> replies, @Nullable Throwable failure) {
  /** Returns the reply to an operation of the batch, unknown if there is none. */
  Reply to(int i) {
    if (replies == null) {
      return Reply.unknown(
          failure == null ? new IllegalStateException("there was no answer") : failure);
    }
    return i < replies.size()
        ? replies.get(i)
        : Reply.unknown(
            new IllegalStateException("the answer ends before operation " + i + " of its batch"));
  }
}
