package dev.escalera.cache.internal;

import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;

/** Numbers of 64 bits that do not repeat within a process and hardly across processes. */
public final class Nonces {
  private static final AtomicLong SEED = new AtomicLong(new SecureRandom().nextLong());

  private Nonces() {}

  public static long next() {
    return new SplittableRandom(SEED.getAndAdd(0x9e3779b97f4a7c15L)).nextLong();
  }

  /** Returns a number as 16 hexadecimal digits. */
  public static String hex(long nonce) {
    return HexFormat.of().toHexDigits(nonce);
  }
}
