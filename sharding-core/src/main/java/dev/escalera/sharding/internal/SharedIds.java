package dev.escalera.sharding.internal;

import java.nio.charset.StandardCharsets;

/**
 * Ids of documents of several partitions in one bucket: the id, its partition behind it, each ended
 * by {@code !}, such as {@code m1!user_u1!}. Injective, and in the order of the ids' UTF-8 bytes:
 * what is not greater than {@code !}, and the sign of escape that follows it, is escaped.
 */
final class SharedIds {
  private static final char END = '!';
  private static final char ESCAPE = '"';
  private static final String HEX = "0123456789ABCDEF";
  private static final int MAX_BYTES = 1_500;

  private SharedIds() {}

  /** Returns what all that is stored of an id begins with, and nothing else. */
  static String start(String id) {
    StringBuilder start = new StringBuilder(id.length() + 8);
    for (int i = 0; i < id.length(); i++) {
      char c = id.charAt(i);
      if (c > ESCAPE) {
        start.append(c);
      } else {
        start.append(ESCAPE).append(HEX.charAt(c >> 4)).append(HEX.charAt(c & 15));
      }
    }
    return start.append(END).toString();
  }

  static String join(String id, String partition) {
    // The name of a partition is of ASCII letters and signs that are not less than the end.
    String stored = start(id) + partition + END;
    int bytes = stored.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > MAX_BYTES) {
      throw new IllegalArgumentException(
          "id \""
              + Names.escape(id.substring(0, Math.min(id.length(), 100)))
              + "\" and its partition take "
              + bytes
              + " bytes in UTF-8, expected at most "
              + MAX_BYTES);
    }
    return stored;
  }

  static String id(String stored) {
    int end = stored.indexOf(END);
    if (end < 0) {
      throw new IllegalArgumentException(
          "the store has a document \"" + Names.escape(stored) + "\" that no router wrote");
    }
    if (stored.lastIndexOf(ESCAPE, end) < 0) {
      return stored.substring(0, end);
    }
    StringBuilder id = new StringBuilder(end);
    for (int i = 0; i < end; i++) {
      char c = stored.charAt(i);
      if (c == ESCAPE && i + 2 < end) {
        id.append((char) Integer.parseInt(stored.substring(i + 1, i + 3), 16));
        i += 2;
      } else {
        id.append(c);
      }
    }
    return id.toString();
  }
}
