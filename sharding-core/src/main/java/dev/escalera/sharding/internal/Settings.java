package dev.escalera.sharding.internal;

import java.time.Duration;
import java.time.InstantSource;
import java.util.function.LongSupplier;

/**
 * What a router is told.
 *
 * @param name for messages and threads
 * @param clock for the life of cursors
 * @param nanoTime for waiting
 * @param cursorLife how long a cursor is good
 * @param catalogTtl how old what is known of the catalog may be
 * @param patience how long a call waits for a fence to open
 */
public record Settings(
    String name,
    InstantSource clock,
    LongSupplier nanoTime,
    Duration cursorLife,
    Duration catalogTtl,
    Duration patience) {

  public static Settings named(String name) {
    return new Settings(
        name,
        InstantSource.system(),
        System::nanoTime,
        Duration.ofDays(1),
        Duration.ofSeconds(5),
        Duration.ofSeconds(2));
  }

  /** Throws IllegalArgumentException if the value is out of range. */
  public Settings withCursorLife(Duration life) {
    if (life.compareTo(Duration.ofSeconds(1)) < 0 || life.compareTo(Duration.ofDays(30)) > 0) {
      throw new IllegalArgumentException("cursorLife is " + life + ", expected 1 s to 30 days");
    }
    return new Settings(name, clock, nanoTime, life, catalogTtl, patience);
  }

  public Settings withClock(InstantSource source) {
    return new Settings(name, source, nanoTime, cursorLife, catalogTtl, patience);
  }

  public Settings withPatience(Duration wait) {
    return new Settings(name, clock, nanoTime, cursorLife, catalogTtl, wait);
  }
}
