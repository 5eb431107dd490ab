package dev.escalera.cache.internal;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A value in a store.
 *
 * <pre>
 * format (1) = 2, flags (1), nonce of the write (8), created in the store's time, ms (8), time to
 * live, ms (8), time of the load, ms (4), length when unpacked (4), number of tags (1), each: nonce
 * (8), length (2), name in UTF-8; length of the payload (4), payload
 * </pre>
 *
 * @param nonce of the write
 * @param created in the store's time in milliseconds; 0 where the store itself knows it
 * @param ttlMillis how long the value lives
 * @param loadMillis how long its load took
 * @param tags each with its nonce at the time of the load
 * @param packing of the payload
 * @param unpacked length of the payload when it is unpacked
 * @param payload the value, packed; nothing if there is none
 * @param absent whether it is known that there is no value
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record Envelope(
    long nonce,
    long created,
    long ttlMillis,
    long loadMillis,
    Map<String, Long> tags,
    int packing,
    int unpacked,
    byte[] payload,
    boolean absent) {
  public static final int NONCE_AT = 2;
  static final int CREATED_AT = 10;

  private static final int MAX_TAGS = 64;

  private static final byte FORMAT = 2;
  private static final int ABSENT = 1;
  private static final int FIXED = 39;

  byte[] bytes() {
    List<byte[]> names = new ArrayList<>();
    int length = FIXED + payload.length;
    for (String tag : tags.keySet()) {
      byte[] name = tag.getBytes(StandardCharsets.UTF_8);
      names.add(name);
      length += 10 + name.length;
    }
    ByteBuffer buffer = ByteBuffer.allocate(length);
    buffer.put(FORMAT).put((byte) (packing << 1 | (absent ? ABSENT : 0)));
    buffer.putLong(nonce).putLong(created).putLong(ttlMillis);
    buffer.putInt((int) Math.min(loadMillis, Integer.MAX_VALUE)).putInt(unpacked);
    buffer.put((byte) names.size());
    int index = 0;
    for (long tag : tags.values()) {
      byte[] name = names.get(index++);
      buffer.putLong(tag).putShort((short) name.length).put(name);
    }
    return buffer.putInt(payload.length).put(payload).array();
  }

  /** Gives an envelope that was made ahead the nonce of its write. */
  static void stamp(byte[] bytes, long nonce) {
    ByteBuffer.wrap(bytes).putLong(NONCE_AT, nonce);
  }

  /** Gives an envelope the store's time of its write. */
  public static void date(byte[] bytes, long created) {
    ByteBuffer.wrap(bytes).putLong(CREATED_AT, created);
  }

  /** Returns when an envelope was written, in the store's time; 0 if it is none. */
  public static long created(byte[] bytes) {
    return bytes.length < CREATED_AT + Long.BYTES ? 0 : ByteBuffer.wrap(bytes).getLong(CREATED_AT);
  }

  /** Returns the nonce of an envelope's write; 0 if it is none. */
  public static long nonce(byte[] bytes) {
    return bytes.length < NONCE_AT + Long.BYTES ? 0 : ByteBuffer.wrap(bytes).getLong(NONCE_AT);
  }

  /** Returns a nonce that was read out of an envelope; 0 if there was none. */
  public static long number(byte[] bytes) {
    return bytes.length < Long.BYTES ? 0 : ByteBuffer.wrap(bytes).getLong();
  }

  /** Reads an envelope; allocates no more than was given. */
  static Envelope read(byte[] bytes) {
    try {
      return read(ByteBuffer.wrap(bytes));
    } catch (BufferUnderflowException e) {
      throw new IllegalArgumentException("truncated", e);
    }
  }

  private static Envelope read(ByteBuffer buffer) {
    byte format = buffer.get();
    int flags = buffer.get();
    if (format != FORMAT || flags < 0 || flags >> 1 > Packing.LAST) {
      throw new IllegalArgumentException("unknown format " + format + ", flags " + flags);
    }
    long nonce = buffer.getLong();
    long created = buffer.getLong();
    long ttl = buffer.getLong();
    int load = buffer.getInt();
    int unpacked = buffer.getInt();
    int count = buffer.get();
    if (ttl < 0 || load < 0 || unpacked < 0 || count < 0 || count > MAX_TAGS) {
      throw new IllegalArgumentException("a number out of range");
    }
    Map<String, Long> tags = count == 0 ? Map.of() : new LinkedHashMap<>();
    for (int i = 0; i < count; i++) {
      long tag = buffer.getLong();
      byte[] name = take(buffer, buffer.getShort());
      tags.put(new String(name, StandardCharsets.UTF_8), tag);
    }
    byte[] payload = take(buffer, buffer.getInt());
    if (buffer.hasRemaining()) {
      throw new IllegalArgumentException("payload of another length than stated");
    }
    boolean absent = (flags & ABSENT) != 0;
    return new Envelope(nonce, created, ttl, load, tags, flags >> 1, unpacked, payload, absent);
  }

  private static byte[] take(ByteBuffer buffer, int length) {
    if (length < 0 || length > buffer.remaining()) {
      throw new IllegalArgumentException("truncated");
    }
    byte[] taken = new byte[length];
    buffer.get(taken);
    return taken;
  }
}
