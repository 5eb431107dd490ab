package dev.escalera.batch;

/**
 * What a loader has done since its start. Immutable.
 *
 * @param asked how often a key was asked for
 * @param calls calls to the store
 * @param keys keys in these calls
 * @param failed of these, those that could not be read
 */
public record LoaderStats(long asked, long calls, long keys, long failed) {}
