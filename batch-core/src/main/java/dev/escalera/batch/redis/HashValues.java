package dev.escalera.batch.redis;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The values of fields as strings: a whole number as its digits, so that Redis can count with it,
 * anything else as a letter for its type and its text. Elements of lists and maps are preceded by
 * their length.
 */
final class HashValues {
  private HashValues() {}

  static Map<String, @Nullable Object> decode(Map<String, String> hash) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    hash.forEach(
        (name, value) -> {
          // Every hash has it, so that a document without fields exists.
          if (!name.isEmpty()) {
            fields.put(name, decode(value));
          }
        });
    return fields;
  }

  static String encode(@Nullable Object value) {
    if (value == null) {
      return "n";
    }
    if (value instanceof Long number) {
      return number.toString();
    }
    if (value instanceof Boolean bool) {
      return bool ? "b1" : "b0";
    }
    if (value instanceof Double number) {
      return "d" + number;
    }
    if (value instanceof String text) {
      return "s" + text;
    }
    if (value instanceof byte[] bytes) {
      return "x" + Base64.getEncoder().encodeToString(bytes);
    }
    if (value instanceof Instant instant) {
      return "t" + ChronoUnit.MICROS.between(Instant.EPOCH, instant);
    }
    StringBuilder parts = new StringBuilder();
    if (value instanceof List<?> list) {
      parts.append('l');
      list.forEach(element -> append(parts, encode(element)));
      return parts.toString();
    }
    if (value instanceof Map<?, ?> map) {
      parts.append('m');
      map.forEach(
          (name, inner) -> {
            append(parts, String.valueOf(name));
            append(parts, encode(inner));
          });
      return parts.toString();
    }
    throw new IllegalArgumentException("a value is a " + value.getClass().getName());
  }

  private static @Nullable Object decode(String text) {
    if (text.isEmpty()) {
      throw new IllegalArgumentException("a value is empty");
    }
    String rest = text.substring(1);
    return switch (text.charAt(0)) {
      case 'n' -> null;
      case 'b' -> rest.equals("1");
      case 'd' -> Double.valueOf(rest);
      case 's' -> rest;
      case 'x' -> Base64.getDecoder().decode(rest);
      case 't' -> Instant.EPOCH.plus(Long.parseLong(rest), ChronoUnit.MICROS);
      case 'l' -> {
        List<@Nullable Object> list = new ArrayList<>();
        parts(rest).forEach(part -> list.add(decode(part)));
        yield list;
      }
      case 'm' -> {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        List<String> parts = parts(rest);
        for (int i = 0; i + 1 < parts.size(); i += 2) {
          map.put(parts.get(i), decode(parts.get(i + 1)));
        }
        yield map;
      }
      default -> Long.valueOf(text);
    };
  }

  private static void append(StringBuilder parts, String part) {
    parts.append(part.length()).append(':').append(part);
  }

  private static List<String> parts(String text) {
    List<String> parts = new ArrayList<>();
    int at = 0;
    while (at < text.length()) {
      int colon = text.indexOf(':', at);
      if (colon < 0) {
        throw new IllegalArgumentException(
            "a list or a map ends before its element " + parts.size());
      }
      int end = colon + 1 + Integer.parseInt(text, at, colon, 10);
      if (end > text.length()) {
        throw new IllegalArgumentException(
            "a list or a map ends within its element " + parts.size());
      }
      parts.add(text.substring(colon + 1, end));
      at = end;
    }
    return parts;
  }
}
