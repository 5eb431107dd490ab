/** What the implementations share; not API. */
@NullMarked
package dev.escalera.sharding.internal;

import org.jspecify.annotations.NullMarked;
