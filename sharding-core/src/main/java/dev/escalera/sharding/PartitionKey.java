package dev.escalera.sharding;

import java.time.Instant;
import java.util.Objects;

/**
 * What names a partition: a time in it, a user or region, or nothing, where the id of a document
 * alone decides. Immutable.
 *
 * @param value an {@code Instant} or a {@code String}; empty text for none
 */
public record PartitionKey(Object value) {
  private static final PartitionKey NONE = new PartitionKey("");

  /**
   * Makes a key.
   *
   * @param value an {@code Instant} or a {@code String}; empty text for none
   * @throws IllegalArgumentException if the value is of another type
   */
  public PartitionKey {
    if (!(Objects.requireNonNull(value, "value") instanceof Instant)
        && !(value instanceof String)) {
      throw new IllegalArgumentException(
          "a partition key is a " + value.getClass().getName() + ", expected Instant or String");
    }
  }

  /**
   * Returns the key of the partition by date that a time lies in.
   *
   * @param time any time in it
   * @return the key
   */
  public static PartitionKey of(Instant time) {
    return new PartitionKey(time);
  }

  /**
   * Returns the key of the partition of a user or a region.
   *
   * @param value the user or region, as in the field
   * @return the key
   */
  public static PartitionKey of(String value) {
    return new PartitionKey(value);
  }

  /**
   * Returns the key where the collection is partitioned by the hash of the id.
   *
   * @return the key that says nothing
   */
  public static PartitionKey none() {
    return NONE;
  }
}
