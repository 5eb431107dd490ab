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
import dev.escalera.batch.Transform;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes as messages of Firestore's protocol. */
final class Writes {
  private Writes() {}

  static Write of(String root, DocumentWrite write) {
    String name = root + "/" + write.collection() + "/" + write.id();
    Write.Builder message = Write.newBuilder();
    write
        .updatedAt()
        .ifPresent(
            time ->
                message.setCurrentDocument(
                    Precondition.newBuilder().setUpdateTime(timestamp(time))));
    if (write.kind() == DocumentWrite.Kind.DELETE) {
      return message.setDelete(name).build();
    }
    boolean keeps =
        write.kind() == DocumentWrite.Kind.MERGE || write.kind() == DocumentWrite.Kind.UPDATE;
    Document.Builder document = Document.newBuilder().setName(name);
    DocumentMask.Builder mask = DocumentMask.newBuilder();
    write
        .fields()
        .forEach(
            (field, value) -> {
              if (value instanceof Transform.DeleteField) {
                // In the mask and without a value: removed.
                mask.addFieldPaths(path(field));
              } else if (value instanceof Transform transform) {
                message.addUpdateTransforms(transform(field, transform));
              } else {
                document.putFields(field, value(value));
                mask.addFieldPaths(path(field));
              }
            });
    if (write.kind() == DocumentWrite.Kind.CREATE) {
      message.setCurrentDocument(exists(false));
    } else if (write.kind() == DocumentWrite.Kind.UPDATE && write.updatedAt().isEmpty()) {
      message.setCurrentDocument(exists(true));
    }
    if (keeps) {
      message.setUpdateMask(mask);
    }
    return message.setUpdate(document).build();
  }

  /** Returns the write that makes a ledger document, and fails if there is one already. */
  static Write ledger(String name, Instant expireAt) {
    return Write.newBuilder()
        .setUpdate(
            Document.newBuilder()
                .setName(name)
                .putFields(
                    "expireAt", Value.newBuilder().setTimestampValue(timestamp(expireAt)).build()))
        .setCurrentDocument(exists(false))
        .build();
  }

  private static FieldTransform transform(String field, Transform transform) {
    FieldTransform.Builder message = FieldTransform.newBuilder().setFieldPath(path(field));
    if (transform instanceof Transform.Increment increment) {
      return message.setIncrement(Value.newBuilder().setIntegerValue(increment.by())).build();
    }
    if (transform instanceof Transform.ArrayUnion union) {
      return message.setAppendMissingElements(array(union.elements())).build();
    }
    if (transform instanceof Transform.ArrayRemove remove) {
      return message.setRemoveAllFromArray(array(remove.elements())).build();
    }
    return message.setSetToServerValue(FieldTransform.ServerValue.REQUEST_TIME).build();
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
      return encoded.setTimestampValue(timestamp(instant)).build();
    }
    if (value instanceof List<?> list) {
      return encoded.setArrayValue(array(list)).build();
    }
    if (value instanceof Map<?, ?> map) {
      MapValue.Builder inner = MapValue.newBuilder();
      map.forEach((field, element) -> inner.putFields(String.valueOf(field), value(element)));
      return encoded.setMapValue(inner).build();
    }
    throw new IllegalArgumentException("a value is a " + value.getClass().getName());
  }

  private static ArrayValue array(List<?> elements) {
    ArrayValue.Builder array = ArrayValue.newBuilder();
    elements.forEach(element -> array.addValues(value(element)));
    return array.build();
  }

  private static Timestamp timestamp(Instant time) {
    return Timestamp.newBuilder()
        .setSeconds(time.getEpochSecond())
        .setNanos(time.getNano())
        .build();
  }
}
