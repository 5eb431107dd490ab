package dev.escalera.sharding;

import java.util.Collections;
import java.util.List;
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
  private static final int MAX_IN = 30;

  /**
   * Makes a condition.
   *
   * @param field its name
   * @param operator how it is compared
   * @param value with what
   * @throws IllegalArgumentException if the value is none that a field may have, null or NaN and
   *     the operator is not EQUAL, or no list of 1 to 30 values and the operator is IN
   */
  public Condition {
    Objects.requireNonNull(operator, "operator");
    value =
        FieldValues.copy(Collections.singletonMap(Objects.requireNonNull(field, "field"), value))
            .get(field);
    boolean unordered = isUnordered(value);
    if (operator == Operator.IN) {
      checkList(field, value);
    } else if (unordered && operator != Operator.EQUAL) {
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

  private static boolean isUnordered(@Nullable Object value) {
    return value == null || value.equals(Double.NaN);
  }

  private static void checkList(String field, @Nullable Object value) {
    boolean fits =
        value instanceof List<?> list
            && !list.isEmpty()
            && list.size() <= MAX_IN
            && list.stream().noneMatch(Condition::isUnordered);
    if (!fits) {
      throw new IllegalArgumentException(
          "field \""
              + FieldValues.shown(field)
              + "\" is compared by IN with "
              + FieldValues.shown(String.valueOf(value))
              + ", expected a list of 1 to "
              + MAX_IN
              + " values, none of them null or NaN");
    }
  }
}
