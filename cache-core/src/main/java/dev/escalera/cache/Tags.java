package dev.escalera.cache;

import java.nio.charset.StandardCharsets;
import java.util.Set;

/** The bounds of tags. */
final class Tags {
  private static final int MAX = 64;
  private static final int MAX_BYTES = 256;

  private Tags() {}

  static void check(Set<String> tags) {
    if (tags.size() > MAX) {
      throw new IllegalArgumentException(tags.size() + " tags, expected at most " + MAX);
    }
    for (String tag : tags) {
      int bytes = tag.getBytes(StandardCharsets.UTF_8).length;
      if (bytes == 0 || bytes > MAX_BYTES) {
        throw new IllegalArgumentException(
            "tag has " + bytes + " bytes, expected 1 to " + MAX_BYTES);
      }
    }
  }
}
