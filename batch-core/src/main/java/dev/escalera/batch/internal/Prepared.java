package dev.escalera.batch.internal;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An operation, or several that go together, as it is sent.
 *
 * @param payload what the transport sends
 * @param keys what its order goes by, each once; none if it has no order
 * @param bytes what it counts for in a batch and in memory
 * @param weight how many operations it is
 * @param alone whether it must not share a batch
 * @param repeatable whether to send it again is safe when its outcome is unknown
 * @param refusal why it cannot be sent at all; null if it can
 */
public record Prepared<P>(
    P payload,
    List<Object> keys,
    long bytes,
    int weight,
    boolean alone,
    boolean repeatable,
    @Nullable Throwable refusal) {
  /** One operation. */
  public static <P> Prepared<P> one(
      P payload,
      @Nullable Object key,
      long bytes,
      boolean repeatable,
      @Nullable Throwable refusal) {
    List<Object> keys = key == null ? List.of() : List.of(key);
    return new Prepared<>(payload, keys, bytes, 1, false, repeatable, refusal);
  }
}
