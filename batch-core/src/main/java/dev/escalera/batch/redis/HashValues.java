package dev.escalera.batch.redis;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The values of fields as bytes of UTF-8: a whole number as its digits, so that Redis can count
 * with it, anything else as a letter for its type and its text. Elements of lists and maps are
 * preceded by their length in bytes, so that a script can take a list apart.
 */
final class HashValues {
  private HashValues() {}

  static Map<String, @Nullable Object> decode(Map<String, String> hash) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    hash.forEach(
        (name, value) -> {
          // Every hash has it, so that a document without fields exists.
          if (!name.isEmpty()) {
            fields.put(name, decode(value.getBytes(StandardCharsets.UTF_8)));
          }
        });
    return fields;
  }

  static byte[] encode(@Nullable Object value) {
    if (value instanceof List<?> list) {
      ByteArrayOutputStream parts = new ByteArrayOutputStream();
      parts.write('l');
      list.forEach(element -> append(parts, encode(element)));
      return parts.toByteArray();
    }
    if (value instanceof Map<?, ?> map) {
      ByteArrayOutputStream parts = new ByteArrayOutputStream();
      parts.write('m');
      map.forEach(
          (name, inner) -> {
            append(parts, utf8(String.valueOf(name)));
            append(parts, encode(inner));
          });
      return parts.toByteArray();
    }
    return utf8(text(value));
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String text(@Nullable Object value) {
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
    throw new IllegalArgumentException("a value is a " + value.getClass().getName());
  }

  private static @Nullable Object decode(byte[] encoded) {
    if (encoded.length == 0) {
      throw new IllegalArgumentException("a value is empty");
    }
    return switch (encoded[0]) {
      case 'l' -> {
        List<@Nullable Object> list = new ArrayList<>();
        parts(encoded).forEach(part -> list.add(decode(part)));
        yield list;
      }
      case 'm' -> {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        List<byte[]> parts = parts(encoded);
        for (int i = 0; i + 1 < parts.size(); i += 2) {
          map.put(new String(parts.get(i), StandardCharsets.UTF_8), decode(parts.get(i + 1)));
        }
        yield map;
      }
      default -> scalar(new String(encoded, StandardCharsets.UTF_8));
    };
  }

  private static @Nullable Object scalar(String text) {
    String rest = text.substring(1);
    return switch (text.charAt(0)) {
      case 'n' -> null;
      case 'b' -> rest.equals("1");
      case 'd' -> Double.valueOf(rest);
      case 's' -> rest;
      case 'x' -> Base64.getDecoder().decode(rest);
      case 't' -> Instant.EPOCH.plus(Long.parseLong(rest), ChronoUnit.MICROS);
      default -> Long.valueOf(text);
    };
  }

  private static void append(ByteArrayOutputStream parts, byte[] part) {
    parts.writeBytes(utf8(part.length + ":"));
    parts.writeBytes(part);
  }

  private static List<byte[]> parts(byte[] encoded) {
    List<byte[]> parts = new ArrayList<>();
    int at = 1;
    while (at < encoded.length) {
      int colon = at;
      while (colon < encoded.length && encoded[colon] != ':') {
        colon++;
      }
      String length = new String(encoded, at, colon - at, StandardCharsets.US_ASCII);
      int end = colon + 1 + Integer.parseInt(length);
      if (end > encoded.length || end <= colon) {
        throw new IllegalArgumentException(
            "a list or a map ends within its element " + parts.size());
      }
      parts.add(Arrays.copyOfRange(encoded, colon + 1, end));
      at = end;
    }
    return parts;
  }
}
