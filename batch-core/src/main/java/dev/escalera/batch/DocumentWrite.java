package dev.escalera.batch;

import java.time.Instant;
import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A write to one document. Immutable: fields are copied, in the order of their names.
 *
 * <p>Values of fields are null, {@code Boolean}, {@code Long} ({@code Integer} is widened), {@code
 * Double}, {@code String}, {@code byte[]}, {@code Instant} (to the microsecond), {@code List} and
 * {@code Map} of these, or a {@link Transform}; anything else is refused. Names of fields are
 * names, not paths. Collection and id are what Firestore accepts: 1 to 1,500 bytes in UTF-8 without
 * {@code /}, not {@code .}, {@code ..} or {@code __x__}.
 *
 * @param kind what it does to the document
 * @param collection that the document is in
 * @param id of the document
 * @param fields to be written
 * @param updatedAt when the document must have been changed last, if that is a condition
 * @param idempotencyKey what makes the write have its effect once however often it is sent, if it
 *     has one
 */
public record DocumentWrite(
    Kind kind,
    String collection,
    String id,
    Map<String, @Nullable Object> fields,
    Optional<Instant> updatedAt,
    Optional<String> idempotencyKey) {
  private static final int MAX_TRANSFORMS = 500;
  private static final int MAX_KEY_LENGTH = 500;

  /** What a write does. */
  public enum Kind {
    /** It replaces the whole document, or makes it. */
    SET,
    /** It replaces the given fields and leaves the others, or makes the document. */
    MERGE,
    /** It makes the document, and fails if it exists. */
    CREATE,
    /** It replaces the given fields and leaves the others, and fails if there is no document. */
    UPDATE,
    /** It removes the document, if it exists. */
    DELETE
  }

  /**
   * Makes a write; the static methods are shorter.
   *
   * @param kind what it does to the document
   * @param collection that the document is in
   * @param id of the document
   * @param fields to be written, none for a delete
   * @param updatedAt when the document must have been changed last, if that is a condition
   * @param idempotencyKey makes the write have its effect once, if present
   * @throws IllegalArgumentException if a name or a value is refused, there are more than 500
   *     transforms, or the parts do not go together
   */
  public DocumentWrite {
    Objects.requireNonNull(kind, "kind");
    FieldValues.checkId("collection", collection);
    FieldValues.checkId("id", id);
    fields = FieldValues.copy(Objects.requireNonNull(fields, "fields"));
    if (kind == Kind.DELETE && !fields.isEmpty()) {
      throw new IllegalArgumentException("a delete has fields, expected none: " + fields.keySet());
    }
    if (updatedAt.isPresent() && kind == Kind.CREATE) {
      throw new IllegalArgumentException(
          "a create has a time of the last change, which a document that must not exist has not");
    }
    checkTransforms(kind, fields);
    idempotencyKey.ifPresent(DocumentWrite::checkKey);
  }

  /**
   * Returns a write that replaces the whole document, or makes it.
   *
   * @param collection that the document is in
   * @param id of the document
   * @param fields all that the document shall have
   * @return a write
   * @throws IllegalArgumentException if a name or a value is refused
   */
  public static DocumentWrite set(
      String collection, String id, Map<String, ? extends @Nullable Object> fields) {
    return of(Kind.SET, collection, id, fields);
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
  public static DocumentWrite merge(
      String collection, String id, Map<String, ? extends @Nullable Object> fields) {
    return of(Kind.MERGE, collection, id, fields);
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
  public static DocumentWrite create(
      String collection, String id, Map<String, ? extends @Nullable Object> fields) {
    return of(Kind.CREATE, collection, id, fields);
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
  public static DocumentWrite update(
      String collection, String id, Map<String, ? extends @Nullable Object> fields) {
    return of(Kind.UPDATE, collection, id, fields);
  }

  /**
   * Returns a write that removes a document, if it exists.
   *
   * @param collection that the document is in
   * @param id of the document
   * @return a write
   * @throws IllegalArgumentException if a name is refused
   */
  public static DocumentWrite delete(String collection, String id) {
    return of(Kind.DELETE, collection, id, Map.of());
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
  public static DocumentWrite increment(String collection, String id, String field, long by) {
    return of(Kind.MERGE, collection, id, Map.of(field, Transform.increment(by)));
  }

  /**
   * Returns the same write, to be applied only if the document was changed last at a time; for
   * Firestore only.
   *
   * @param updatedAt the document's update time
   * @return a write
   * @throws IllegalArgumentException if the write is a create
   */
  public DocumentWrite ifUpdatedAt(Instant updatedAt) {
    return new DocumentWrite(kind, collection, id, fields, Optional.of(updatedAt), idempotencyKey);
  }

  /**
   * Returns the same write with a key: of all writes of the document with one key the first that is
   * applied has an effect, the others are ALREADY_APPLIED. The store remembers keys for a time that
   * the executor is told.
   *
   * @param idempotencyKey 1 to 500 characters, such as the id of what caused the write
   * @return a write
   * @throws IllegalArgumentException if the key is empty, too long or not expressible in UTF-8
   */
  public DocumentWrite withKey(String idempotencyKey) {
    return new DocumentWrite(kind, collection, id, fields, updatedAt, Optional.of(idempotencyKey));
  }

  /**
   * Returns whether to send the write again is safe when its outcome is not known: it has a key, or
   * does not add, and depends on nothing but, at most, that the document exists.
   *
   * @return true if it is
   */
  public boolean repeatable() {
    boolean adds = fields.values().stream().anyMatch(Transform.Increment.class::isInstance);
    return idempotencyKey.isPresent() || (!adds && kind != Kind.CREATE && updatedAt.isEmpty());
  }

  private static DocumentWrite of(
      Kind kind, String collection, String id, Map<String, ? extends @Nullable Object> fields) {
    Objects.requireNonNull(fields, "fields");
    return new DocumentWrite(
        kind,
        collection,
        id,
        Collections.unmodifiableMap(fields),
        Optional.empty(),
        Optional.empty());
  }

  private static void checkTransforms(Kind kind, Map<String, @Nullable Object> fields) {
    int transforms = 0;
    for (Map.Entry<String, @Nullable Object> field : fields.entrySet()) {
      if (field.getValue() instanceof Transform.DeleteField) {
        if (kind == Kind.SET || kind == Kind.CREATE) {
          throw new IllegalArgumentException(
              "field \""
                  + FieldValues.shown(field.getKey())
                  + "\" is to be removed from a document that has only what is given");
        }
      } else if (field.getValue() instanceof Transform) {
        transforms++;
      }
    }
    if (transforms > MAX_TRANSFORMS) {
      throw new IllegalArgumentException(
          "the write has " + transforms + " transforms, expected at most " + MAX_TRANSFORMS);
    }
  }

  private static void checkKey(String key) {
    if (key.isEmpty() || key.length() > MAX_KEY_LENGTH) {
      throw new IllegalArgumentException(
          "the idempotency key has "
              + key.length()
              + " characters, expected 1 to "
              + MAX_KEY_LENGTH);
    }
    FieldValues.utf8Length("the idempotency key", key);
  }
}
