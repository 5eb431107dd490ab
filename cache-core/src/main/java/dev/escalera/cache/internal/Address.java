package dev.escalera.cache.internal;

import dev.escalera.cache.KeyCodec;
import java.util.Objects;

/** Where a key is: its text for the store, and a hash of 64 bits that is the same in every JVM. */
public record Address(String text, long hash) {
  private static final int MAX_LENGTH = 10_240;

  /** Makes addresses of keys. */
  public interface Book<K> {
    Address of(K key);
  }

  /** Addresses for a store. */
  public static <K> Book<K> encoded(KeyCodec<K> codec) {
    return key -> {
      Objects.requireNonNull(key, "key");
      String text = Objects.requireNonNull(codec.encode(key), "the key codec returned null");
      if (text.length() > MAX_LENGTH) {
        throw new IllegalArgumentException(
            "key has " + text.length() + " characters, expected at most " + MAX_LENGTH);
      }
      return new Address(text, hash(text));
    };
  }

  /** The address of a tag, apart from all keys. */
  static Address tag(String tag) {
    return new Address(tag, mix(hash(tag) ^ 0x9e3779b97f4a7c15L));
  }

  /** A hash of a name that is the same in every JVM. */
  public static long nameHash(String name) {
    return hash(name);
  }

  /** Addresses where no store is: the text is not used. */
  public static <K> Book<K> local() {
    return key -> new Address("", mix(key.hashCode()));
  }

  /** FNV-1a over the characters, then the finalizer of MurmurHash3. */
  private static long hash(String text) {
    long hash = 0xcbf29ce484222325L;
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
    }
    return mix(hash);
  }

  private static long mix(long hash) {
    long h = hash;
    h = (h ^ (h >>> 33)) * 0xff51afd7ed558ccdL;
    h = (h ^ (h >>> 33)) * 0xc4ceb9fe1a85ec53L;
    return h ^ (h >>> 33);
  }
}
