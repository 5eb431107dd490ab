package dev.escalera.cache.internal;

import java.nio.charset.StandardCharsets;

/** Names made into parts of keys: injective, printable, free of what a store gives a meaning to. */
public final class Keys {
  private static final String HEX = "0123456789ABCDEF";
  private static final String PLAIN = "-._~@+=,!$'()*;";

  private static final int MAX_PRINTED = 200;

  private Keys() {}

  /**
   * Escapes all but ASCII letters, digits and a few signs as % and two hexadecimal digits a UTF-8
   * byte; a lone surrogate, which UTF-8 cannot express, as %u and four.
   */
  public static String escape(String text) {
    return escape(text, PLAIN);
  }

  /** Escapes likewise, but leaves colons, which make keys readable where they separate nothing. */
  public static String escapeExceptColons(String text) {
    return escape(text, PLAIN + ":");
  }

  /** Makes a key fit for a log line or a message: escaped and not too long. */
  public static String printable(Object key) {
    String text = escape(text(key), PLAIN + ":/{} ");
    return text.length() <= MAX_PRINTED ? text : text.substring(0, MAX_PRINTED) + "...";
  }

  private static String text(Object key) {
    try {
      return String.valueOf(key);
    } catch (RuntimeException e) {
      // The host's own toString: a message must not fail because of it.
      return key.getClass().getName();
    }
  }

  private static String escape(String text, String plain) {
    StringBuilder escaped = new StringBuilder(text.length() + 8);
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      if (isPlain(c, plain)) {
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

  private static boolean isPlain(int c, String plain) {
    return c < 128 && (Character.isLetterOrDigit(c) || plain.indexOf(c) >= 0);
  }
}
