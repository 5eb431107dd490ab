package dev.escalera.batch;

/**
 * Names a document. Immutable.
 *
 * @param collection that the document is in
 * @param id of the document
 */
public record DocumentKey(String collection, String id) {
  /**
   * Makes a key.
   *
   * @param collection that the document is in
   * @param id of the document
   * @throws IllegalArgumentException if Firestore would not take a name
   */
  public DocumentKey {
    FieldValues.checkId("collection", collection);
    FieldValues.checkId("id", id);
  }
}
