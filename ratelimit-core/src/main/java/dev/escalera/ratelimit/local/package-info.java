/** Buckets in this process. */
@NullMarked
package dev.escalera.ratelimit.local;

import org.jspecify.annotations.NullMarked;
