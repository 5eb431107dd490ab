package dev.escalera.sharding.internal;

import dev.escalera.sharding.Condition;
import dev.escalera.sharding.Direction;
import dev.escalera.sharding.Operator;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A half-open range of byte strings in unsigned order. */
public final class LexRange {
  private static final byte[] LEAST = {};

  private final byte[] min;
  private final byte @Nullable [] max;

  private LexRange(byte[] min, byte @Nullable [] max) {
    this.min = min;
    this.max = max;
  }

  /** Returns the least of the range. */
  public byte[] min() {
    return min;
  }

  /** Returns what is just beyond the range; null if nothing is. */
  public byte @Nullable [] max() {
    return max;
  }

  static LexRange startingWith(byte[] prefix) {
    return new LexRange(prefix, end(prefix));
  }

  /** All that comes after what starts with {@code member}, or from it on. */
  static LexRange after(byte[] member, boolean inclusive) {
    return new LexRange(inclusive ? member : OrderKey.successor(member), null);
  }

  /** All that comes before what starts with {@code member}, or up to it. */
  static LexRange before(byte[] member, boolean inclusive) {
    return new LexRange(LEAST, inclusive ? end(member) : member);
  }

  /**
   * All that has a value behind {@code prefix} that meets the condition, of the same type as the
   * condition's.
   */
  static LexRange of(byte[] prefix, Direction direction, Condition condition) {
    byte[] value = concat(prefix, new OrderKey().add(condition.value(), direction).toBytes());
    Operator operator = condition.operator();
    boolean greater = operator == Operator.GREATER || operator == Operator.GREATER_OR_EQUAL;
    boolean inclusive = operator == Operator.GREATER_OR_EQUAL || operator == Operator.LESS_OR_EQUAL;
    LexRange side =
        greater == (direction == Direction.ASCENDING)
            ? after(value, inclusive)
            : before(value, inclusive);
    return ofType(prefix, direction, condition.value()).and(side);
  }

  LexRange and(LexRange other) {
    byte[] high = max;
    if (high == null || (other.max != null && Arrays.compareUnsigned(other.max, high) < 0)) {
      high = other.max;
    }
    return new LexRange(Arrays.compareUnsigned(min, other.min) >= 0 ? min : other.min, high);
  }

  /** Returns whether nothing can be in the range. */
  public boolean isEmpty() {
    return max != null && Arrays.compareUnsigned(min, max) >= 0;
  }

  /** All that has a value of the same type behind {@code prefix}. */
  private static LexRange ofType(byte[] prefix, Direction direction, @Nullable Object value) {
    // The two booleans are of one type, but begin with bytes of their own.
    boolean descending = direction == Direction.DESCENDING;
    Object least = value instanceof Boolean ? (Boolean) descending : value;
    Object greatest = value instanceof Boolean ? (Boolean) !descending : value;
    byte[] first = concat(prefix, new OrderKey().addTypeOf(least, direction).toBytes());
    byte[] last = concat(prefix, new OrderKey().addTypeOf(greatest, direction).toBytes());
    return new LexRange(first, end(last));
  }

  private static byte @Nullable [] end(byte[] prefix) {
    byte[] successor = OrderKey.successor(prefix);
    return successor.length == 0 ? null : successor;
  }

  private static byte[] concat(byte[] one, byte[] two) {
    byte[] both = Arrays.copyOf(one, one.length + two.length);
    System.arraycopy(two, 0, both, one.length, two.length);
    return both;
  }
}
