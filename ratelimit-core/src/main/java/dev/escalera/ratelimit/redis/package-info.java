/** Buckets in Redis. */
@NullMarked
package dev.escalera.ratelimit.redis;

import org.jspecify.annotations.NullMarked;
