package dev.escalera.sharding;

import java.util.Objects;

/**
 * A field of a declared index. Immutable.
 *
 * @param field its name
 * @param kind how it is indexed
 */
public record IndexField(String field, Kind kind) {
  /** How a field is indexed. */
  public enum Kind {
    /** By its value, the least first. */
    ASCENDING,
    /** By its value, the greatest first. */
    DESCENDING,
    /** By each element of a list, for {@link Operator#ARRAY_CONTAINS}. */
    CONTAINS
  }

  /**
   * Makes a field; use {@link Index}.
   *
   * @param field its name
   * @param kind how it is indexed
   */
  public IndexField {
    Objects.requireNonNull(field, "field");
    Objects.requireNonNull(kind, "kind");
  }
}
