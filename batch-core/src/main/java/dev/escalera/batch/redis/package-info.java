/** Batches of documents as hashes in Redis. */
@NullMarked
package dev.escalera.batch.redis;

import org.jspecify.annotations.NullMarked;
