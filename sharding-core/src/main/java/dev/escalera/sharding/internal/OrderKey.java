package dev.escalera.sharding.internal;

import dev.escalera.sharding.Direction;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Values as bytes whose unsigned order is Firestore's order of the values. Each value ends itself,
 * so that values can be put in a row; for a descending order its bytes are inverted.
 *
 * <p>Types come in the order null, boolean, NaN, number, time, text, bytes, list, map, each with a
 * leading byte of its own. A number is the double nearest to it and, for a whole number that no
 * double equals, its distance from it.
 */
public final class OrderKey {
  private static final int NULL = 0x05;
  private static final int FALSE = 0x10;
  private static final int TRUE = 0x11;
  private static final int NAN = 0x20;
  private static final int NUMBER = 0x21;
  private static final int TIME = 0x30;
  private static final int TEXT = 0x40;
  private static final int BYTES = 0x50;
  private static final int LIST = 0x70;
  private static final int MAP = 0x80;

  private static final int END = 0x00;
  private static final int ZERO = 0xFF;
  private static final int TERMINATOR = 0x01;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  public OrderKey add(@Nullable Object value, Direction direction) {
    OrderKey ascending = direction == Direction.ASCENDING ? this : new OrderKey();
    ascending.value(value);
    if (ascending != this) {
      inverted(ascending);
    }
    return this;
  }

  /** Adds an id or a name of ours, as text without a leading byte. */
  public OrderKey addName(String name, Direction direction) {
    OrderKey ascending = direction == Direction.ASCENDING ? this : new OrderKey();
    ascending.escaped(name.getBytes(StandardCharsets.UTF_8));
    if (ascending != this) {
      inverted(ascending);
    }
    return this;
  }

  /** Adds bytes that another key begins with. */
  OrderKey addRaw(OrderKey other) {
    return addRaw(other.toBytes());
  }

  OrderKey addRaw(byte[] other) {
    bytes.writeBytes(other);
    return this;
  }

  /** Adds the least bytes that a value of the same type as {@code value} begins with. */
  OrderKey addTypeOf(@Nullable Object value, Direction direction) {
    OrderKey whole = new OrderKey().add(value, Direction.ASCENDING);
    int type = whole.toBytes()[0] & 0xFF;
    bytes.write(direction == Direction.ASCENDING ? type : ~type);
    return this;
  }

  public byte[] toBytes() {
    return bytes.toByteArray();
  }

  /**
   * Returns the least bytes that are greater than all that begin with {@code prefix}; empty if
   * there are none.
   */
  static byte[] successor(byte[] prefix) {
    int last = prefix.length - 1;
    while (last >= 0 && prefix[last] == (byte) 0xFF) {
      last--;
    }
    byte[] successor = Arrays.copyOf(prefix, last + 1);
    if (last >= 0) {
      successor[last]++;
    }
    return successor;
  }

  private void value(@Nullable Object value) {
    if (value == null) {
      bytes.write(NULL);
    } else if (value instanceof Boolean bool) {
      bytes.write(bool ? TRUE : FALSE);
    } else if (value instanceof Long number) {
      number(number.doubleValue(), distance(number));
    } else if (value instanceof Double number) {
      if (number.isNaN()) {
        bytes.write(NAN);
      } else {
        // Adding zero turns the negative zero into the positive one.
        number(number + 0.0, 0);
      }
    } else if (value instanceof Instant time) {
      bytes.write(TIME);
      sortable(DocumentCodec.micros(time));
    } else if (value instanceof String text) {
      bytes.write(TEXT);
      escaped(text.getBytes(StandardCharsets.UTF_8));
    } else if (value instanceof byte[] array) {
      bytes.write(BYTES);
      escaped(array);
    } else if (value instanceof List<?> list) {
      bytes.write(LIST);
      list.forEach(this::value);
      bytes.write(END);
    } else if (value instanceof Map<?, ?> map) {
      map(map);
    } else {
      throw new IllegalArgumentException("a value is a " + value.getClass().getName());
    }
  }

  private void map(Map<?, ?> map) {
    bytes.write(MAP);
    map.entrySet().stream()
        .map(
            entry ->
                Map.entry(
                    String.valueOf(entry.getKey()).getBytes(StandardCharsets.UTF_8),
                    new OrderKey().add(entry.getValue(), Direction.ASCENDING)))
        .sorted(Map.Entry.comparingByKey(Comparator.nullsFirst(Arrays::compareUnsigned)))
        .forEach(
            entry -> {
              bytes.write(TEXT);
              escaped(entry.getKey());
              bytes.writeBytes(entry.getValue().toBytes());
            });
    bytes.write(END);
  }

  private void number(double nearest, long distance) {
    bytes.write(NUMBER);
    long bits = Double.doubleToLongBits(nearest);
    // IEEE 754: the bits of positive numbers are in their order, those of negative ones in the
    // reverse.
    sortable(bits < 0 ? bits ^ Long.MAX_VALUE : bits);
    long shifted = distance + 0x8000;
    bytes.write((int) (shifted >> 8));
    bytes.write((int) shifted);
  }

  private static long distance(long number) {
    double nearest = (double) number;
    // 2^63 is the nearest double to the greatest numbers, but no long.
    return nearest == 0x1p63 ? number - Long.MAX_VALUE - 1 : number - (long) nearest;
  }

  private void sortable(long number) {
    bytes.writeBytes(ByteBuffer.allocate(Long.BYTES).putLong(number ^ Long.MIN_VALUE).array());
  }

  private void escaped(byte[] array) {
    for (byte b : array) {
      bytes.write(b);
      if (b == 0) {
        bytes.write(ZERO);
      }
    }
    bytes.write(END);
    bytes.write(TERMINATOR);
  }

  private void inverted(OrderKey key) {
    for (byte b : key.toBytes()) {
      bytes.write(~b);
    }
  }
}
