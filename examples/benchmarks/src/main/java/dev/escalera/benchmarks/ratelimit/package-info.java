/** The speed bars of ratelimit-core. */
@NullMarked
package dev.escalera.benchmarks.ratelimit;

import org.jspecify.annotations.NullMarked;
