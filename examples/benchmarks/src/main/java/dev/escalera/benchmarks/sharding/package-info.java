/** The speed bars of sharding-core. */
@NullMarked
package dev.escalera.benchmarks.sharding;

import org.jspecify.annotations.NullMarked;
