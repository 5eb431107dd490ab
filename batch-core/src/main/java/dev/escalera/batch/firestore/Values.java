package dev.escalera.batch.firestore;

import com.google.firestore.v1.Value;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Values of Firestore's protocol as those of fields. */
final class Values {
  private Values() {}

  static Map<String, @Nullable Object> decode(Map<String, Value> fields) {
    Map<String, @Nullable Object> decoded = new LinkedHashMap<>();
    fields.forEach((name, value) -> decoded.put(name, decode(value)));
    return decoded;
  }

  private static @Nullable Object decode(Value value) {
    return switch (value.getValueTypeCase()) {
      case NULL_VALUE -> null;
      case BOOLEAN_VALUE -> value.getBooleanValue();
      case INTEGER_VALUE -> value.getIntegerValue();
      case DOUBLE_VALUE -> value.getDoubleValue();
      case STRING_VALUE -> value.getStringValue();
      case BYTES_VALUE -> value.getBytesValue().toByteArray();
      case TIMESTAMP_VALUE ->
          Instant.ofEpochSecond(
              value.getTimestampValue().getSeconds(), value.getTimestampValue().getNanos());
      case ARRAY_VALUE -> {
        List<@Nullable Object> list = new ArrayList<>();
        value.getArrayValue().getValuesList().forEach(element -> list.add(decode(element)));
        yield list;
      }
      case MAP_VALUE -> decode(value.getMapValue().getFieldsMap());
      default ->
          throw new IllegalArgumentException(
              "a value is a " + value.getValueTypeCase() + ", which is none of the known types");
    };
  }
}
