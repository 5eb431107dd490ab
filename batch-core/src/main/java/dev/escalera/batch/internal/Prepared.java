package dev.escalera.batch.internal;

import org.jspecify.annotations.Nullable;

/**
 * An operation as it is sent.
 *
 * @param payload what the transport sends
 * @param key what its order goes by; null if it has none
 * @param bytes what it counts for in a batch and in memory
 * @param repeatable whether to send it again is safe when its outcome is unknown
 * @param refusal why it cannot be sent at all; null if it can
 */
public record Prepared<P>(
    P payload, @Nullable Object key, long bytes, boolean repeatable, @Nullable Throwable refusal) {}
