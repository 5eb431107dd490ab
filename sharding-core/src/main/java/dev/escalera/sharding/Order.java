package dev.escalera.sharding;

import java.util.Objects;

/**
 * A field and which way it is ordered. Immutable.
 *
 * @param field its name
 * @param direction which way
 */
public record Order(String field, Direction direction) {
  /**
   * Makes an order.
   *
   * @param field its name
   * @param direction which way
   */
  public Order {
    Objects.requireNonNull(field, "field");
    Objects.requireNonNull(direction, "direction");
  }
}
