/** A cache in front of Firestore. */
@NullMarked
package dev.escalera.cache.firestore;

import org.jspecify.annotations.NullMarked;
