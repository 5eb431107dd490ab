package dev.escalera.cache;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Makes bytes of a value for the store, and a value of bytes. Implementations must be safe for use
 * by several threads.
 *
 * @param <V> values
 */
public interface ValueCodec<V> {
  /**
   * Returns the bytes of a value.
   *
   * @param value the value
   * @return its bytes, which the codec must not change afterwards
   * @throws Exception if the value has none
   */
  byte[] encode(V value) throws Exception;

  /**
   * Returns the value of bytes; what is thrown counts as a miss and a decode failure.
   *
   * @param bytes what {@link #encode} returned, or anything else that was found in the store
   * @return the value
   * @throws Exception if the bytes are not those of a value
   */
  V decode(byte[] bytes) throws Exception;

  /**
   * Returns a codec for texts, as UTF-8. A text with a lone surrogate cannot be encoded.
   *
   * @return the codec
   */
  static ValueCodec<String> string() {
    return new ValueCodec<>() {
      @Override
      public byte[] encode(String value) throws CharacterCodingException {
        ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(value));
        byte[] exact = new byte[bytes.remaining()];
        bytes.get(exact);
        return exact;
      }

      @Override
      public String decode(byte[] bytes) throws CharacterCodingException {
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      }
    };
  }

  /**
   * Returns a codec for bytes, which are taken as they are and not copied.
   *
   * @return the identity
   */
  static ValueCodec<byte[]> bytes() {
    return new ValueCodec<>() {
      @Override
      public byte[] encode(byte[] value) {
        return value;
      }

      @Override
      public byte[] decode(byte[] bytes) {
        return bytes;
      }
    };
  }
}
