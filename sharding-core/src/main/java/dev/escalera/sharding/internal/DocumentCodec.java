package dev.escalera.sharding.internal;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Values as bytes and back: a letter for the type, then the value, texts and arrays behind their
 * length.
 */
public final class DocumentCodec {
  private static final int VERSION = 1;

  private DocumentCodec() {}

  public static byte[] encode(Map<String, ? extends @Nullable Object> fields) {
    return write(out -> value(out, fields));
  }

  /** Returns the fields of a document; the id is for the message if the bytes are none. */
  public static Map<String, @Nullable Object> decode(String id, byte[] bytes) {
    @Nullable Object value = read(bytes);
    if (value instanceof Map<?, ?> map) {
      Map<String, @Nullable Object> fields = new LinkedHashMap<>();
      map.forEach((name, field) -> fields.put(String.valueOf(name), field));
      return fields;
    }
    throw new IllegalArgumentException(
        "the bytes of document \"" + Names.escape(id) + "\" hold no map");
  }

  static byte[] encodeValues(List<? extends @Nullable Object> values) {
    return write(out -> value(out, values));
  }

  static List<@Nullable Object> decodeValues(byte[] bytes) {
    if (read(bytes) instanceof List<?> list) {
      return new ArrayList<>(list);
    }
    throw new IllegalArgumentException("the bytes hold no list");
  }

  /**
   * Returns the microseconds since 1970. ChronoUnit.MICROS.between counts nanoseconds first, and
   * has no room for more than 292 years.
   */
  static long micros(Instant time) {
    return time.getEpochSecond() * 1_000_000 + time.getNano() / 1_000;
  }

  private interface Writer {
    void write(DataOutputStream out) throws IOException;
  }

  private static byte[] write(Writer writer) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeByte(VERSION);
      writer.write(out);
    } catch (IOException e) {
      throw new UncheckedIOException("memory does not fail", e);
    }
    return bytes.toByteArray();
  }

  private static @Nullable Object read(byte[] bytes) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      int version = in.readByte();
      if (version != VERSION) {
        throw new IllegalArgumentException(
            "the bytes have version " + version + ", expected " + VERSION);
      }
      return value(in);
    } catch (IOException e) {
      throw new IllegalArgumentException("the bytes end too early", e);
    }
  }

  private static void value(DataOutputStream out, @Nullable Object value) throws IOException {
    if (value == null) {
      out.writeByte('n');
    } else if (value instanceof Boolean bool) {
      out.writeByte(bool ? 't' : 'f');
    } else if (value instanceof Long number) {
      out.writeByte('i');
      out.writeLong(number);
    } else if (value instanceof Double number) {
      out.writeByte('d');
      out.writeDouble(number);
    } else if (value instanceof Instant time) {
      out.writeByte('u');
      out.writeLong(micros(time));
    } else if (value instanceof String text) {
      out.writeByte('s');
      bytes(out, text.getBytes(StandardCharsets.UTF_8));
    } else if (value instanceof byte[] array) {
      out.writeByte('b');
      bytes(out, array);
    } else if (value instanceof List<?> list) {
      out.writeByte('l');
      out.writeInt(list.size());
      for (Object element : list) {
        value(out, element);
      }
    } else if (value instanceof Map<?, ?> map) {
      out.writeByte('m');
      out.writeInt(map.size());
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        bytes(out, String.valueOf(entry.getKey()).getBytes(StandardCharsets.UTF_8));
        value(out, entry.getValue());
      }
    } else {
      throw new IllegalArgumentException("a value is a " + value.getClass().getName());
    }
  }

  private static @Nullable Object value(DataInputStream in) throws IOException {
    int type = in.readByte();
    return switch (type) {
      case 'n' -> null;
      case 't' -> true;
      case 'f' -> false;
      case 'i' -> in.readLong();
      case 'd' -> in.readDouble();
      case 'u' -> Instant.EPOCH.plus(in.readLong(), ChronoUnit.MICROS);
      case 's' -> new String(bytes(in), StandardCharsets.UTF_8);
      case 'b' -> bytes(in);
      case 'l' -> {
        List<@Nullable Object> list = new ArrayList<>();
        for (int i = in.readInt(); i > 0; i--) {
          list.add(value(in));
        }
        yield list;
      }
      case 'm' -> {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        for (int i = in.readInt(); i > 0; i--) {
          map.put(new String(bytes(in), StandardCharsets.UTF_8), value(in));
        }
        yield map;
      }
      default -> throw new IllegalArgumentException("the bytes have a value of type " + type);
    };
  }

  private static void bytes(DataOutputStream out, byte[] array) throws IOException {
    out.writeInt(array.length);
    out.write(array);
  }

  private static byte[] bytes(DataInputStream in) throws IOException {
    int length = in.readInt();
    // No more than there is, whatever the bytes claim.
    if (length < 0 || length > in.available()) {
      throw new IllegalArgumentException(
          "the bytes claim " + length + " more, but have " + in.available());
    }
    return in.readNBytes(length);
  }
}
