package dev.escalera.sharding.firestore;

import com.google.cloud.Timestamp;
import com.google.cloud.firestore.Blob;
import com.google.cloud.firestore.DocumentSnapshot;
import dev.escalera.sharding.internal.Row;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Our values as those of Firestore's client, and back. */
final class Values {
  private Values() {}

  static Map<String, Object> toFirestore(Map<String, ? extends @Nullable Object> fields) {
    Map<String, Object> converted = new LinkedHashMap<>();
    fields.forEach((name, value) -> converted.put(name, toFirestore(value)));
    return converted;
  }

  @SuppressWarnings("NullAway") // Firestore's client takes and gives null, but says so nowhere.
  static Object toFirestore(@Nullable Object value) {
    if (value instanceof Instant time) {
      return Timestamp.ofTimeSecondsAndNanos(time.getEpochSecond(), time.getNano());
    }
    if (value instanceof byte[] bytes) {
      return Blob.fromBytes(bytes);
    }
    if (value instanceof List<?> list) {
      List<Object> converted = new ArrayList<>();
      list.forEach(element -> converted.add(toFirestore(element)));
      return converted;
    }
    if (value instanceof Map<?, ?> map) {
      Map<String, Object> converted = new LinkedHashMap<>();
      map.forEach((name, inner) -> converted.put(String.valueOf(name), toFirestore(inner)));
      return converted;
    }
    return value;
  }

  /** Returns the row of a document; empty if there is none. */
  static Optional<Row> toRow(DocumentSnapshot snapshot) {
    Map<String, Object> data = snapshot.getData();
    if (data == null) {
      return Optional.empty();
    }
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    data.forEach(
        (name, value) -> {
          if (!name.equals(Marks.NAME)) {
            fields.put(name, fromFirestore(value));
          }
        });
    return Optional.of(new Row(snapshot.getId(), fields));
  }

  private static @Nullable Object fromFirestore(@Nullable Object value) {
    if (value instanceof Timestamp time) {
      return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
    }
    if (value instanceof Blob blob) {
      return blob.toBytes();
    }
    if (value instanceof List<?> list) {
      List<@Nullable Object> converted = new ArrayList<>();
      list.forEach(element -> converted.add(fromFirestore(element)));
      return converted;
    }
    if (value instanceof Map<?, ?> map) {
      Map<String, @Nullable Object> converted = new LinkedHashMap<>();
      map.forEach((name, inner) -> converted.put(String.valueOf(name), fromFirestore(inner)));
      return converted;
    }
    return value;
  }
}
