package dev.escalera.cache.internal;

import java.nio.ByteBuffer;

/**
 * The bytes of a value in a store: format (1), flags (1, none defined), nonce of the write (8),
 * payload length (4), payload.
 */
final class Envelope {
  private static final byte FORMAT = 1;
  private static final int HEADER = 14;

  private Envelope() {}

  static byte[] wrap(long nonce, byte[] payload) {
    return ByteBuffer.allocate(HEADER + payload.length)
        .put(FORMAT)
        .put((byte) 0)
        .putLong(nonce)
        .putInt(payload.length)
        .put(payload)
        .array();
  }

  /** Returns the payload; allocates no more than was given. */
  static byte[] unwrap(byte[] bytes) {
    if (bytes.length < HEADER) {
      throw new IllegalArgumentException("truncated header");
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    byte format = buffer.get();
    byte flags = buffer.get();
    if (format != FORMAT || flags != 0) {
      throw new IllegalArgumentException("unknown format " + format + ", flags " + flags);
    }
    buffer.getLong();
    if (buffer.getInt() != buffer.remaining()) {
      throw new IllegalArgumentException("payload of another length than stated");
    }
    byte[] payload = new byte[buffer.remaining()];
    buffer.get(payload);
    return payload;
  }
}
