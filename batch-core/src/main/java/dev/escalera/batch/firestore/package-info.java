/** Batches of documents in Firestore. */
@NullMarked
package dev.escalera.batch.firestore;

import org.jspecify.annotations.NullMarked;
