package dev.escalera.batch;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A field's value that the store works out; stands in the fields of a {@link DocumentWrite} in
 * place of a value, not within one. Immutable.
 */
public sealed interface Transform {
  /**
   * Returns a transform that adds to a whole number, or makes the field with it.
   *
   * @param by what to add
   * @return a transform
   */
  static Transform increment(long by) {
    return new Increment(by);
  }

  /**
   * Returns a transform that sets the time of the store, a time zone independent instant.
   *
   * @return a transform
   */
  static Transform serverTimestamp() {
    return new ServerTimestamp();
  }

  /**
   * Returns a transform that appends those elements that the list does not have yet, or makes it.
   *
   * @param elements to be in the list
   * @return a transform
   */
  static Transform arrayUnion(@Nullable Object... elements) {
    return new ArrayUnion(java.util.Arrays.asList(elements));
  }

  /**
   * Returns a transform that removes all that equals one of these elements from the list.
   *
   * @param elements not to be in the list
   * @return a transform
   */
  static Transform arrayRemove(@Nullable Object... elements) {
    return new ArrayRemove(java.util.Arrays.asList(elements));
  }

  /**
   * Returns a transform that removes the field; for merge and update only.
   *
   * @return a transform
   */
  static Transform deleteField() {
    return new DeleteField();
  }

  /**
   * Adds to a whole number.
   *
   * @param by what to add
   */
  record Increment(long by) implements Transform {}

  /** Sets the time of the store. */
  record ServerTimestamp() implements Transform {}

  /**
   * Appends what the list does not have yet.
   *
   * @param elements in their canonical types
   */
  record ArrayUnion(List<@Nullable Object> elements) implements Transform {
    /**
     * Makes a transform; use {@link Transform#arrayUnion}.
     *
     * @param elements values that a field may have
     */
    public ArrayUnion {
      elements = FieldValues.copyElements(Objects.requireNonNull(elements, "elements"));
    }
  }

  /**
   * Removes what equals one of the elements.
   *
   * @param elements in their canonical types
   */
  record ArrayRemove(List<@Nullable Object> elements) implements Transform {
    /**
     * Makes a transform; use {@link Transform#arrayRemove}.
     *
     * @param elements values that a field may have
     */
    public ArrayRemove {
      elements = FieldValues.copyElements(Objects.requireNonNull(elements, "elements"));
    }
  }

  /** Removes the field. */
  record DeleteField() implements Transform {}
}
