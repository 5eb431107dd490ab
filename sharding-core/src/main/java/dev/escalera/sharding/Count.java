package dev.escalera.sharding;

/**
 * How many documents a query selects. Immutable.
 *
 * @param documents how many
 * @param buckets how many buckets were asked
 * @param reads as Firestore bills them: one for each thousand documents of a bucket, at least one
 */
public record Count(long documents, int buckets, long reads) {}
