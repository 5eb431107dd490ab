/** A cache in front of Redis. */
@NullMarked
package dev.escalera.cache.redis;

import org.jspecify.annotations.NullMarked;
