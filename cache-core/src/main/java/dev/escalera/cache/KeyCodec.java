package dev.escalera.cache;

/**
 * Makes a text of a key for the store. Implementations must be safe for use by several threads.
 *
 * @param <K> keys
 */
@FunctionalInterface
public interface KeyCodec<K> {
  /**
   * Returns the text of a key: equal for equal keys, different for different ones. Any text will
   * do, the cache escapes what the store gives a meaning to.
   *
   * @param key the key
   * @return its text, at most 10,240 characters
   */
  String encode(K key);

  /**
   * Returns a codec for keys that are texts.
   *
   * @return the identity
   */
  static KeyCodec<String> string() {
    return key -> key;
  }
}
