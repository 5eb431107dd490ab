package dev.escalera.ratelimit.internal;

import java.nio.charset.StandardCharsets;

/** Names made into parts of keys: injective, printable, free of what a store gives a meaning to. */
public final class Keys {
  private static final String HEX = "0123456789ABCDEF";
  private static final String PLAIN = "-._~@+=,!$'()*;";

  private Keys() {}

  /**
   * Escapes all but ASCII letters, digits and a few signs as % and two hexadecimal digits a UTF-8
   * byte; a lone surrogate, which UTF-8 cannot express, as %u and four.
   */
  public static String escape(String text) {
    StringBuilder escaped = new StringBuilder(text.length() + 8);
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      if (isPlain(c)) {
        escaped.append((char) c);
      } else if (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) {
        escaped.append("%u");
        for (int shift = 12; shift >= 0; shift -= 4) {
          escaped.append(HEX.charAt(c >> shift & 15));
        }
      } else {
        for (byte b : Character.toString(c).getBytes(StandardCharsets.UTF_8)) {
          escaped.append('%').append(HEX.charAt(b >> 4 & 15)).append(HEX.charAt(b & 15));
        }
      }
    }
    return escaped.toString();
  }

  /** Returns the length in UTF-8; a lone surrogate counts as three. */
  public static int utf8Length(String text) {
    int bytes = 0;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    }
    return bytes;
  }

  private static boolean isPlain(int c) {
    return c < 128 && (Character.isLetterOrDigit(c) || PLAIN.indexOf(c) >= 0);
  }
}
