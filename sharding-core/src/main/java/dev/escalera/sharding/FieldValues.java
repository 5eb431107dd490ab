package dev.escalera.sharding;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The closed set of values that a field may have, and the names that stores accept. */
final class FieldValues {
  private static final int MAX_NAME_BYTES = 1_500;
  private static final int MAX_DEPTH = 20;

  /** Of fields that the router itself keeps in a document. */
  private static final String RESERVED = "_escalera";

  /** The times that Firestore can hold. */
  private static final Instant FIRST = Instant.parse("0001-01-01T00:00:00Z");

  private static final Instant END = Instant.parse("+10000-01-01T00:00:00Z");

  private FieldValues() {}

  /**
   * Returns a deep copy in the canonical types; throws IllegalArgumentException that names the
   * field if a value is none.
   */
  static Map<String, @Nullable Object> copy(Map<String, ? extends @Nullable Object> fields) {
    return copyMap("", fields, 1);
  }

  /** Returns a name that Firestore accepts as the id of a collection or a document. */
  static String checkId(String what, String id) {
    int bytes = checked(utf8Length(id), () -> what, id);
    boolean reserved =
        id.equals(".")
            || id.equals("..")
            || (id.length() >= 4 && id.startsWith("__") && id.endsWith("__"));
    if (bytes == 0 || bytes > MAX_NAME_BYTES || reserved || id.indexOf('/') >= 0) {
      throw new IllegalArgumentException(
          what
              + " is \""
              + shown(id)
              + "\", expected 1 to 1,500 bytes in UTF-8 without \"/\", not \".\", \"..\" or"
              + " \"__…__\"");
    }
    return id;
  }

  static String shown(String text) {
    String start = text.length() > 100 ? text.substring(0, 100) + "…" : text;
    return start.replaceAll("\\p{Cntrl}", "?");
  }

  private static Map<String, @Nullable Object> copyMap(String path, Map<?, ?> fields, int depth) {
    if (depth > MAX_DEPTH) {
      throw new IllegalArgumentException(
          "field \"" + shown(path) + "\" lies deeper than " + MAX_DEPTH + " levels");
    }
    Map<String, @Nullable Object> copy = new LinkedHashMap<>();
    for (Map.Entry<?, ?> field : fields.entrySet()) {
      if (!(field.getKey() instanceof String name)) {
        throw new IllegalArgumentException(
            "field \"" + shown(path) + "\" has the key " + field.getKey() + ", expected a string");
      }
      String inner = path.isEmpty() ? name : path + "." + name;
      int bytes =
          checked(utf8Length(name), () -> "the name of field \"" + shown(inner) + "\"", name);
      if (bytes == 0
          || bytes > MAX_NAME_BYTES
          || (name.length() >= 4 && name.startsWith("__") && name.endsWith("__"))) {
        throw new IllegalArgumentException(
            "a field is named \""
                + shown(inner)
                + "\", expected 1 to 1,500 bytes in UTF-8, not \"__…__\"");
      }
      if (depth == 1 && name.startsWith(RESERVED)) {
        throw new IllegalArgumentException(
            "a field is named \""
                + shown(inner)
                + "\", expected a name not of \""
                + RESERVED
                + "…\"");
      }
      copy.put(name, copyValue(inner, field.getValue(), depth));
    }
    return Collections.unmodifiableMap(copy);
  }

  private static @Nullable Object copyValue(String path, @Nullable Object value, int depth) {
    if (value == null
        || value instanceof Boolean
        || value instanceof Long
        || value instanceof Double) {
      return value;
    }
    if (value instanceof Integer number) {
      return number.longValue();
    }
    if (value instanceof String text) {
      checked(utf8Length(text), () -> "field \"" + shown(path) + "\"", text);
      return text;
    }
    if (value instanceof byte[] bytes) {
      return bytes.clone();
    }
    if (value instanceof Instant instant) {
      if (instant.isBefore(FIRST) || !instant.isBefore(END)) {
        throw new IllegalArgumentException(
            "field \""
                + shown(path)
                + "\" is "
                + instant
                + ", expected a time of the years 0001 to 9999");
      }
      return instant.truncatedTo(ChronoUnit.MICROS);
    }
    if (value instanceof Map<?, ?> map) {
      return copyMap(path, map, depth + 1);
    }
    if (value instanceof List<?> list) {
      return copyList(path, list, depth + 1);
    }
    throw new IllegalArgumentException(
        "field \""
            + shown(path)
            + "\" is a "
            + value.getClass().getName()
            + ", expected null, Boolean, Long, Integer, Double, String, byte[], Instant, List or"
            + " Map");
  }

  private static List<@Nullable Object> copyList(String path, List<?> list, int depth) {
    List<@Nullable Object> copy = new ArrayList<>(list.size());
    for (Object element : list) {
      if (element instanceof List) {
        throw new IllegalArgumentException(
            "field \"" + shown(path) + "\" is a list in a list, which Firestore does not take");
      }
      copy.add(copyValue(path + "[]", element, depth));
    }
    return Collections.unmodifiableList(copy);
  }

  private static int checked(int utf8Length, Supplier<String> what, String text) {
    if (utf8Length < 0) {
      throw new IllegalArgumentException(
          what.get()
              + " has a lone surrogate, which UTF-8 cannot express: \""
              + shown(text)
              + "\"");
    }
    return utf8Length;
  }

  /** Returns how many bytes a text takes in UTF-8; -1 if it cannot be expressed. */
  private static int utf8Length(String text) {
    int bytes = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < 0x80) {
        bytes++;
      } else if (c < 0x800) {
        bytes += 2;
      } else if (!Character.isSurrogate(c)) {
        bytes += 3;
      } else if (i + 1 < text.length() && Character.isSurrogatePair(c, text.charAt(i + 1))) {
        bytes += 4;
        i++;
      } else {
        return -1;
      }
    }
    return bytes;
  }
}
