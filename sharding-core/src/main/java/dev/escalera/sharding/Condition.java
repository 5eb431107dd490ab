package dev.escalera.sharding;

import java.util.Collections;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a field must be. Immutable.
 *
 * @param field its name
 * @param operator how it is compared
 * @param value with what
 */
public record Condition(String field, Operator operator, @Nullable Object value) {
  /**
   * Makes a condition.
   *
   * @param field its name
   * @param operator how it is compared
   * @param value with what
   * @throws IllegalArgumentException if the value is none that a field may have, or null or NaN and
   *     the operator is not EQUAL
   */
  public Condition {
    Objects.requireNonNull(operator, "operator");
    value =
        FieldValues.copy(Collections.singletonMap(Objects.requireNonNull(field, "field"), value))
            .get(field);
    boolean unordered = value == null || value.equals(Double.NaN);
    if (unordered && operator != Operator.EQUAL) {
      throw new IllegalArgumentException(
          "field \""
              + FieldValues.shown(field)
              + "\" is compared with "
              + value
              + " by "
              + operator
              + ", expected EQUAL");
    }
  }
}
