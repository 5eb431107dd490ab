/** Partitions in Firestore. */
@NullMarked
package dev.escalera.sharding.firestore;

import org.jspecify.annotations.NullMarked;
