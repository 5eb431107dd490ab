package dev.escalera.sharding;

import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A document. Immutable: fields are copied.
 *
 * <p>Values are null, {@code Boolean}, {@code Long} ({@code Integer} is widened), {@code Double},
 * {@code String}, {@code byte[]}, {@code Instant} (to the microsecond, years 1 to 9999), {@code
 * List} and {@code Map} of these; anything else is refused. An array of bytes that a document gives
 * out is its own: do not change it.
 *
 * @param id 1 to 1,500 bytes in UTF-8 without {@code /}, not {@code .}, {@code ..} or {@code __x__}
 * @param fields by name
 */
public record Document(String id, Map<String, @Nullable Object> fields) {
  /**
   * Makes a document.
   *
   * @param id 1 to 1,500 bytes in UTF-8 without {@code /}, not {@code .}, {@code ..} or {@code
   *     __x__}
   * @param fields by name
   * @throws IllegalArgumentException if the id, a name or a value is refused
   */
  public Document {
    FieldValues.checkId("id", id);
    fields = FieldValues.copy(fields);
  }

  /**
   * Returns a document.
   *
   * @param id 1 to 1,500 bytes in UTF-8 without {@code /}, not {@code .}, {@code ..} or {@code
   *     __x__}
   * @param fields by name
   * @return the document
   * @throws IllegalArgumentException if the id, a name or a value is refused
   */
  public static Document of(String id, Map<String, ? extends @Nullable Object> fields) {
    return new Document(id, Collections.unmodifiableMap(Objects.requireNonNull(fields, "fields")));
  }
}
