/** The speed bars of each module, beside its peers in one run: {@link Benchmarks}. */
@NullMarked
package dev.escalera.benchmarks;

import org.jspecify.annotations.NullMarked;
