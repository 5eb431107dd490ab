package dev.escalera.batch;

import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A write to one document. Immutable: fields are copied.
 *
 * <p>Values of fields are null, {@code Boolean}, {@code Long} ({@code Integer} is widened), {@code
 * Double}, {@code String}, {@code byte[]}, {@code Instant} (to the microsecond), {@code List} and
 * {@code Map} of these; anything else is refused. Names of fields are names, not paths. Collection
 * and id are what Firestore accepts: 1 to 1,500 bytes in UTF-8 without {@code /}, not {@code .},
 * {@code ..} or {@code __x__}.
 */
public sealed interface DocumentWrite {
  /**
   * Returns the collection that the document is in.
   *
   * @return a name
   */
  String collection();

  /**
   * Returns the name of the document in its collection.
   *
   * @return a name
   */
  String id();

  /**
   * Returns a write that replaces the whole document, or makes it.
   *
   * @param collection that the document is in
   * @param id of the document
   * @param fields all that the document shall have
   * @return a write
   * @throws IllegalArgumentException if a name or a value is refused
   */
  static DocumentWrite set(
      String collection, String id, Map<String, ? extends @Nullable Object> fields) {
    return new Set(
        collection, id, Collections.unmodifiableMap(Objects.requireNonNull(fields, "fields")));
  }

  /**
   * Returns a write that replaces the given fields and leaves the others, or makes the document.
   *
   * @param collection that the document is in
   * @param id of the document
   * @param fields to be replaced
   * @return a write
   * @throws IllegalArgumentException if a name or a value is refused
   */
  static DocumentWrite merge(
      String collection, String id, Map<String, ? extends @Nullable Object> fields) {
    return new Merge(
        collection, id, Collections.unmodifiableMap(Objects.requireNonNull(fields, "fields")));
  }

  /**
   * Returns a write that makes a document, and fails if it exists.
   *
   * @param collection that the document is in
   * @param id of the document
   * @param fields all that the document shall have
   * @return a write
   * @throws IllegalArgumentException if a name or a value is refused
   */
  static DocumentWrite create(
      String collection, String id, Map<String, ? extends @Nullable Object> fields) {
    return new Create(
        collection, id, Collections.unmodifiableMap(Objects.requireNonNull(fields, "fields")));
  }

  /**
   * Returns a write that replaces the given fields of a document, and fails if it does not exist.
   *
   * @param collection that the document is in
   * @param id of the document
   * @param fields to be replaced
   * @return a write
   * @throws IllegalArgumentException if a name or a value is refused
   */
  static DocumentWrite update(
      String collection, String id, Map<String, ? extends @Nullable Object> fields) {
    return new Update(
        collection, id, Collections.unmodifiableMap(Objects.requireNonNull(fields, "fields")));
  }

  /**
   * Returns a write that removes a document, if it exists.
   *
   * @param collection that the document is in
   * @param id of the document
   * @return a write
   * @throws IllegalArgumentException if a name is refused
   */
  static DocumentWrite delete(String collection, String id) {
    return new Delete(collection, id);
  }

  /**
   * Returns a write that adds to a whole number, or makes the field, and the document, with it. A
   * field that is no whole number is replaced by Firestore and refused by Redis.
   *
   * @param collection that the document is in
   * @param id of the document
   * @param field the name of the field
   * @param by what to add
   * @return a write
   * @throws IllegalArgumentException if a name is refused
   */
  static DocumentWrite increment(String collection, String id, String field, long by) {
    return new Increment(collection, id, field, by);
  }

  /**
   * Replaces the whole document, or makes it.
   *
   * @param collection that the document is in
   * @param id of the document
   * @param fields all that the document shall have
   */
  record Set(String collection, String id, Map<String, @Nullable Object> fields)
      implements DocumentWrite {
    /**
     * Makes a write; use {@link DocumentWrite#set}.
     *
     * @param collection that the document is in
     * @param id of the document
     * @param fields all that the document shall have
     */
    public Set {
      FieldValues.checkId("collection", collection);
      FieldValues.checkId("id", id);
      fields = FieldValues.copy(fields);
    }
  }

  /**
   * Replaces the given fields and leaves the others, or makes the document.
   *
   * @param collection that the document is in
   * @param id of the document
   * @param fields to be replaced
   */
  record Merge(String collection, String id, Map<String, @Nullable Object> fields)
      implements DocumentWrite {
    /**
     * Makes a write; use {@link DocumentWrite#merge}.
     *
     * @param collection that the document is in
     * @param id of the document
     * @param fields to be replaced
     */
    public Merge {
      FieldValues.checkId("collection", collection);
      FieldValues.checkId("id", id);
      fields = FieldValues.copy(fields);
    }
  }

  /**
   * Makes a document, and fails if it exists.
   *
   * @param collection that the document is in
   * @param id of the document
   * @param fields all that the document shall have
   */
  record Create(String collection, String id, Map<String, @Nullable Object> fields)
      implements DocumentWrite {
    /**
     * Makes a write; use {@link DocumentWrite#create}.
     *
     * @param collection that the document is in
     * @param id of the document
     * @param fields all that the document shall have
     */
    public Create {
      FieldValues.checkId("collection", collection);
      FieldValues.checkId("id", id);
      fields = FieldValues.copy(fields);
    }
  }

  /**
   * Replaces the given fields, and fails if the document does not exist.
   *
   * @param collection that the document is in
   * @param id of the document
   * @param fields to be replaced
   */
  record Update(String collection, String id, Map<String, @Nullable Object> fields)
      implements DocumentWrite {
    /**
     * Makes a write; use {@link DocumentWrite#update}.
     *
     * @param collection that the document is in
     * @param id of the document
     * @param fields to be replaced
     */
    public Update {
      FieldValues.checkId("collection", collection);
      FieldValues.checkId("id", id);
      fields = FieldValues.copy(fields);
    }
  }

  /**
   * Removes a document, if it exists.
   *
   * @param collection that the document is in
   * @param id of the document
   */
  record Delete(String collection, String id) implements DocumentWrite {
    /**
     * Makes a write; use {@link DocumentWrite#delete}.
     *
     * @param collection that the document is in
     * @param id of the document
     */
    public Delete {
      FieldValues.checkId("collection", collection);
      FieldValues.checkId("id", id);
    }
  }

  /**
   * Adds to a whole number.
   *
   * @param collection that the document is in
   * @param id of the document
   * @param field the name of the field
   * @param by what to add
   */
  record Increment(String collection, String id, String field, long by) implements DocumentWrite {
    /**
     * Makes a write; use {@link DocumentWrite#increment}.
     *
     * @param collection that the document is in
     * @param id of the document
     * @param field the name of the field
     * @param by what to add
     */
    public Increment {
      FieldValues.checkId("collection", collection);
      FieldValues.checkId("id", id);
      FieldValues.copy(Map.of(field, by));
    }
  }
}
