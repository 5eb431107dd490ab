package dev.escalera.cache.internal;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What a read of the store found. */
public final class Found {
  private final byte @Nullable [] envelope;
  private final Duration remaining;
  private final @Nullable Object version;

  private Found(byte @Nullable [] envelope, Duration remaining, @Nullable Object version) {
    this.envelope = envelope;
    this.remaining = remaining;
    this.version = version;
  }

  public static Found value(byte[] envelope, Duration remaining) {
    return new Found(envelope, remaining, null);
  }

  public static Found nothing() {
    return new Found(null, Duration.ZERO, null);
  }

  public static Found version(Object version) {
    return new Found(null, Duration.ZERO, version);
  }

  byte @Nullable [] envelope() {
    return envelope;
  }

  /** How long the value still lives, counted from when the read was sent at the earliest. */
  Duration remaining() {
    return remaining;
  }

  /** What a fill must give; null where none was asked for. */
  @Nullable Object version() {
    return version;
  }
}
