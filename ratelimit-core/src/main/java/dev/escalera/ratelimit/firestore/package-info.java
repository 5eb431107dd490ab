/** Buckets in Firestore. */
@NullMarked
package dev.escalera.ratelimit.firestore;

import org.jspecify.annotations.NullMarked;
