/** The engine that the backends share; not API. */
@NullMarked
package dev.escalera.cache.internal;

import org.jspecify.annotations.NullMarked;
