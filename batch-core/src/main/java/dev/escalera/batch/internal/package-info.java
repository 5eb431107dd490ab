/** What the implementations share; not API. */
@NullMarked
package dev.escalera.batch.internal;

import org.jspecify.annotations.NullMarked;
