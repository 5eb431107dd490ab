package dev.escalera.batch.firestore;

import com.google.firestore.v1.ArrayValue;
import com.google.firestore.v1.Document;
import com.google.firestore.v1.DocumentMask;
import com.google.firestore.v1.DocumentTransform.FieldTransform;
import com.google.firestore.v1.MapValue;
import com.google.firestore.v1.Precondition;
import com.google.firestore.v1.Value;
import com.google.firestore.v1.Write;
import com.google.protobuf.ByteString;
import com.google.protobuf.NullValue;
import com.google.protobuf.Timestamp;
import dev.escalera.batch.DocumentWrite;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes as messages of Firestore's protocol. */
final class Writes {
  private Writes() {}

  static Write of(String root, DocumentWrite write) {
    String name = root + "/" + write.collection() + "/" + write.id();
    if (write instanceof DocumentWrite.Set set) {
      return Write.newBuilder().setUpdate(document(name, set.fields())).build();
    }
    if (write instanceof DocumentWrite.Create create) {
      return Write.newBuilder()
          .setUpdate(document(name, create.fields()))
          .setCurrentDocument(exists(false))
          .build();
    }
    if (write instanceof DocumentWrite.Merge merge) {
      return Write.newBuilder()
          .setUpdate(document(name, merge.fields()))
          .setUpdateMask(mask(merge.fields()))
          .build();
    }
    if (write instanceof DocumentWrite.Update update) {
      return Write.newBuilder()
          .setUpdate(document(name, update.fields()))
          .setUpdateMask(mask(update.fields()))
          .setCurrentDocument(exists(true))
          .build();
    }
    if (write instanceof DocumentWrite.Increment increment) {
      return Write.newBuilder()
          .setUpdate(document(name, Map.of()))
          .setUpdateMask(DocumentMask.getDefaultInstance())
          .addUpdateTransforms(
              FieldTransform.newBuilder()
                  .setFieldPath(path(increment.field()))
                  .setIncrement(Value.newBuilder().setIntegerValue(increment.by())))
          .build();
    }
    return Write.newBuilder().setDelete(name).build();
  }

  private static Document document(String name, Map<String, ? extends @Nullable Object> fields) {
    Document.Builder document = Document.newBuilder().setName(name);
    fields.forEach((field, value) -> document.putFields(field, value(value)));
    return document.build();
  }

  private static DocumentMask mask(Map<String, ? extends @Nullable Object> fields) {
    DocumentMask.Builder mask = DocumentMask.newBuilder();
    fields.keySet().forEach(field -> mask.addFieldPaths(path(field)));
    return mask.build();
  }

  /** A name as a path of one segment. */
  private static String path(String field) {
    return "`" + field.replace("\\", "\\\\").replace("`", "\\`") + "`";
  }

  private static Precondition exists(boolean exists) {
    return Precondition.newBuilder().setExists(exists).build();
  }

  private static Value value(@Nullable Object value) {
    Value.Builder encoded = Value.newBuilder();
    if (value == null) {
      return encoded.setNullValue(NullValue.NULL_VALUE).build();
    }
    if (value instanceof Boolean bool) {
      return encoded.setBooleanValue(bool).build();
    }
    if (value instanceof Long number) {
      return encoded.setIntegerValue(number).build();
    }
    if (value instanceof Double number) {
      return encoded.setDoubleValue(number).build();
    }
    if (value instanceof String text) {
      return encoded.setStringValue(text).build();
    }
    if (value instanceof byte[] bytes) {
      return encoded.setBytesValue(ByteString.copyFrom(bytes)).build();
    }
    if (value instanceof Instant instant) {
      return encoded
          .setTimestampValue(
              Timestamp.newBuilder()
                  .setSeconds(instant.getEpochSecond())
                  .setNanos(instant.getNano()))
          .build();
    }
    if (value instanceof List<?> list) {
      ArrayValue.Builder array = ArrayValue.newBuilder();
      list.forEach(element -> array.addValues(value(element)));
      return encoded.setArrayValue(array).build();
    }
    if (value instanceof Map<?, ?> map) {
      MapValue.Builder inner = MapValue.newBuilder();
      map.forEach((field, element) -> inner.putFields(String.valueOf(field), value(element)));
      return encoded.setMapValue(inner).build();
    }
    throw new IllegalArgumentException("a value is a " + value.getClass().getName());
  }
}
