/** Buckets in this process, by Bucket4j. */
@NullMarked
package dev.escalera.ratelimit.local;

import org.jspecify.annotations.NullMarked;
