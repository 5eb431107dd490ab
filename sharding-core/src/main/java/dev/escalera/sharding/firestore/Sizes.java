package dev.escalera.sharding.firestore;

import dev.escalera.sharding.internal.Bucket;
import dev.escalera.sharding.internal.Row;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How much Firestore stores and bills for documents, without their index entries, by its
 * documentation ("Storage size calculations").
 */
final class Sizes {
  private static final int OF_DOCUMENT = 32;
  private static final int OF_NAME = 16;
  private static final int OF_NUMBER = 8;

  private Sizes() {}

  /** Returns the bytes of a document, without the name of the collection that it is in. */
  static long of(Row row) {
    return OF_DOCUMENT + text(row.id()) + value(row.fields());
  }

  /** Returns the bytes of the names of the collections that a document of a bucket is in. */
  static long ofNameOf(Bucket bucket) {
    return OF_NAME
        + text("escalera_" + bucket.collection())
        + text(bucket.name())
        + text(bucket.collection());
  }

  private static long value(@Nullable Object value) {
    if (value == null || value instanceof Boolean) {
      return 1;
    }
    if (value instanceof String text) {
      return text(text);
    }
    if (value instanceof byte[] bytes) {
      return bytes.length;
    }
    if (value instanceof List<?> list) {
      long sum = 0;
      for (Object element : list) {
        sum += value(element);
      }
      return sum;
    }
    if (value instanceof Map<?, ?> map) {
      long sum = 0;
      for (Map.Entry<?, ?> field : map.entrySet()) {
        sum += text(String.valueOf(field.getKey())) + value(field.getValue());
      }
      return sum;
    }
    return OF_NUMBER;
  }

  /** The bytes in UTF-8, and one. */
  private static long text(String text) {
    long bytes = text.length() + 1L;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      // Half of a pair has two of its four bytes.
      bytes += c < 0x80 ? 0 : c < 0x800 || Character.isSurrogate(c) ? 1 : 2;
    }
    return bytes;
  }
}
