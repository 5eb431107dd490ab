package dev.escalera.sharding.internal;

import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
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
 * @param meterRegistry where meters go
 */
public record Settings(
    String name,
    InstantSource clock,
    LongSupplier nanoTime,
    Duration cursorLife,
    Duration catalogTtl,
    Duration patience,
    Optional<MeterRegistry> meterRegistry) {
  private static final Duration CATALOG_TTL = Duration.ofSeconds(5);
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  public Settings(
      String name, InstantSource clock, Duration cursorLife, Optional<MeterRegistry> registry) {
    this(name, clock, System::nanoTime, cursorLife, CATALOG_TTL, PATIENCE, registry);
  }
}
