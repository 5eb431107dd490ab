/** A cache in one process. */
@NullMarked
package dev.escalera.cache.local;

import org.jspecify.annotations.NullMarked;
