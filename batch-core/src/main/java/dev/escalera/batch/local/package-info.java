/** Batches for a function of the host's. */
@NullMarked
package dev.escalera.batch.local;

import org.jspecify.annotations.NullMarked;
