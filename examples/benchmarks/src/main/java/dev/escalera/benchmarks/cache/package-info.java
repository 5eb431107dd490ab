/** The speed bars of cache-core. */
@NullMarked
package dev.escalera.benchmarks.cache;

import org.jspecify.annotations.NullMarked;
