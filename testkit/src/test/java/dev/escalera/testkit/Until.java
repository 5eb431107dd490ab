package dev.escalera.testkit;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Waits in tests for what comes soon. */
final class Until {
  private static final Duration SOON = Duration.ofSeconds(20);

  private Until() {}

  static void holds(String what, BooleanSupplier condition) {
    ServerProcess.await(SOON, what, condition);
  }
}
