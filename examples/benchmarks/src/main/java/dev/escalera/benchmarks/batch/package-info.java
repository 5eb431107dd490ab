/** The speed bars of batch-core. */
@NullMarked
package dev.escalera.benchmarks.batch;

import org.jspecify.annotations.NullMarked;
