package dev.escalera.cache.internal;

import java.nio.charset.StandardCharsets;

/** Names made into parts of keys: injective, printable, free of what a store gives a meaning to. */
public final class Keys {
  private static final String HEX = "0123456789ABCDEF";
  private static final String SIGNS = "-._~@+=,!$'()*;";
  private static final boolean[] PLAIN = plain(SIGNS);
  private static final boolean[] PLAIN_AND_COLON = plain(SIGNS + ":");
  private static final boolean[] PRINTED = plain(SIGNS + ":/{} ");

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
    return escape(text, PLAIN_AND_COLON);
  }

  /** Makes a key fit for a log line or a message: escaped and not too long. */
  public static String printable(Object key) {
    String text = escape(text(key), PRINTED);
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

  private static String escape(String text, boolean[] plain) {
    for (int i = 0; i < text.length(); i++) {
      if (!isPlain(text.charAt(i), plain)) {
        return escaped(text, plain);
      }
    }
    return text;
  }

  private static String escaped(String text, boolean[] plain) {
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

  private static boolean isPlain(int c, boolean[] plain) {
    return c < plain.length && plain[c];
  }

  private static boolean[] plain(String signs) {
    boolean[] plain = new boolean[128];
    for (int c = 0; c < plain.length; c++) {
      plain[c] = Character.isLetterOrDigit(c) || signs.indexOf(c) >= 0;
    }
    return plain;
  }
}
