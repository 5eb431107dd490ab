package dev.escalera.batch.internal;

import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.Transform;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A hash of 64 bits over values, the same in every process. */
public final class Fingerprint {
  private long hash = Checkpoint.FIRST_HASH;

  private Fingerprint() {}

  public static long of(DocumentWrite write) {
    Fingerprint fingerprint = new Fingerprint();
    fingerprint.text(write.kind().name());
    fingerprint.text(write.collection());
    fingerprint.text(write.id());
    fingerprint.value(write.fields());
    fingerprint.value(write.updatedAt().orElse(null));
    fingerprint.value(write.idempotencyKey().orElse(null));
    return fingerprint.hash;
  }

  public static long of(List<byte[]> parts) {
    Fingerprint fingerprint = new Fingerprint();
    parts.forEach(fingerprint::bytes);
    return fingerprint.hash;
  }

  private void value(@Nullable Object value) {
    if (value == null) {
      number(1);
    } else if (value instanceof Boolean bool) {
      number(bool ? 2 : 3);
    } else if (value instanceof Long number) {
      number(4);
      number(number);
    } else if (value instanceof Double number) {
      number(5);
      number(Double.doubleToLongBits(number));
    } else if (value instanceof String text) {
      text(text);
    } else if (value instanceof byte[] bytes) {
      bytes(bytes);
    } else if (value instanceof Instant time) {
      number(6);
      number(time.getEpochSecond());
      number(time.getNano());
    } else if (value instanceof List<?> list) {
      number(7);
      list.forEach(this::value);
      number(8);
    } else if (value instanceof Map<?, ?> map) {
      number(9);
      map.forEach(
          (name, inner) -> {
            value(name);
            value(inner);
          });
      number(10);
    } else if (value instanceof Transform transform) {
      transform(transform);
    } else {
      throw new IllegalArgumentException("a value is a " + value.getClass().getName());
    }
  }

  private void transform(Transform transform) {
    text(transform.getClass().getSimpleName());
    if (transform instanceof Transform.Increment increment) {
      number(increment.by());
    } else if (transform instanceof Transform.ArrayUnion union) {
      value(union.elements());
    } else if (transform instanceof Transform.ArrayRemove remove) {
      value(remove.elements());
    }
  }

  private void text(String text) {
    number(11);
    number(text.length());
    for (int i = 0; i < text.length(); i++) {
      hash = hash * 31 + text.charAt(i);
    }
    number(12);
  }

  private void bytes(byte[] bytes) {
    number(13);
    number(bytes.length);
    for (byte b : bytes) {
      hash = hash * 31 + b;
    }
    number(14);
  }

  private void number(long number) {
    hash = Checkpoint.hash(hash, number);
  }
}
