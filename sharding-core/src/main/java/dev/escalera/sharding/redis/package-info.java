/** Partitions in Redis. */
@NullMarked
package dev.escalera.sharding.redis;

import org.jspecify.annotations.NullMarked;
