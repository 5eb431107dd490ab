package dev.escalera.cache;

/** How values are packed in L2; only those over 1 KiB, and only where that makes them smaller. */
public enum Compression {
  /** As the codec made them. */
  NONE,
  /** By the JDK's gzip. */
  GZIP,
  /** By zstd; needs {@code com.github.luben:zstd-jni} on the class path. */
  ZSTD
}
