/** What the implementations share; not API. */
@NullMarked
package dev.escalera.ratelimit.internal;

import org.jspecify.annotations.NullMarked;
