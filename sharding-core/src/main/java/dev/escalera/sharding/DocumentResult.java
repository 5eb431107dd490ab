package dev.escalera.sharding;

import java.util.Optional;

/**
 * What became of a document that was put in bulk. Immutable.
 *
 * @param id of the document
 * @param failure why it was not stored, or may not have been; empty if it was
 */
public record DocumentResult(String id, Optional<RuntimeException> failure) {
  /**
   * Returns whether the document is stored.
   *
   * @return true if there is no failure
   */
  public boolean stored() {
    return failure.isEmpty();
  }
}
