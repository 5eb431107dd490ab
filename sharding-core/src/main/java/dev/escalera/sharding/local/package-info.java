/** Partitions in this process. */
@NullMarked
package dev.escalera.sharding.local;

import org.jspecify.annotations.NullMarked;
