package dev.escalera.cache.internal;

/**
 * An envelope that a read of the store found.
 *
 * @param envelope its bytes
 * @param created when it was written, in the store's time
 * @param now when it was read, in the store's time, at the most
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record Found(byte[] envelope, long created, long now) {}
