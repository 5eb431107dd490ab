package dev.escalera.cache.internal;

import com.github.luben.zstd.Zstd;
import dev.escalera.cache.Compression;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/** Packs payloads, and unpacks them to the length that was stated, never more. */
final class Packing {
  private static final int NONE = 0;
  private static final int GZIP = 1;
  private static final int ZSTD = 2;

  /** The greatest number that stands for a way of packing. */
  static final int LAST = ZSTD;

  /** No payload is unpacked to more. */
  static final int MAX_UNPACKED = 64 << 20;

  private static final int THRESHOLD = 1 << 10;
  private static final int ZSTD_LEVEL = 3;

  private Packing() {}

  /** Returns the number that stands for a way of packing in an envelope. */
  static int number(Compression compression) {
    return switch (compression) {
      case NONE -> NONE;
      case GZIP -> GZIP;
      case ZSTD -> ZSTD;
    };
  }

  /** Returns the packed bytes, or the same array where they would not be smaller. */
  static byte[] pack(Compression compression, byte[] bytes) throws IOException {
    if (compression == Compression.NONE || bytes.length <= THRESHOLD) {
      return bytes;
    }
    byte[] packed =
        compression == Compression.GZIP ? gzip(bytes) : Zstd.compress(bytes, ZSTD_LEVEL);
    return packed.length < bytes.length ? packed : bytes;
  }

  /** Returns what was packed; refuses what is longer or shorter than stated. */
  static byte[] unpack(int packing, byte[] bytes, int length) throws IOException {
    if (length > MAX_UNPACKED) {
      throw new IOException(length + " bytes when unpacked, expected at most " + MAX_UNPACKED);
    }
    byte[] unpacked =
        switch (packing) {
          case NONE -> bytes;
          case GZIP -> gunzip(bytes, length);
          case ZSTD -> unzstd(bytes, length);
          default -> throw new IOException("unknown packing " + packing);
        };
    if (unpacked.length != length) {
      throw new IOException("not of the length that is stated");
    }
    return unpacked;
  }

  private static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream(bytes.length / 2);
    try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
      out.write(bytes);
    }
    return packed.toByteArray();
  }

  private static byte[] gunzip(byte[] bytes, int length) throws IOException {
    try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(bytes))) {
      // Grows with what comes, not with what is stated; one byte more than that is too many.
      return in.readNBytes(length + 1);
    }
  }

  private static byte[] unzstd(byte[] bytes, int length) throws IOException {
    if (Zstd.getFrameContentSize(bytes) != length) {
      throw new IOException("not of the length that is stated");
    }
    try {
      return Zstd.decompress(bytes, length);
    } catch (RuntimeException e) {
      throw new IOException("not zstd", e);
    }
  }
}
