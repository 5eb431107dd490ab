package dev.escalera.cache.internal;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What a store answered to one who wants to load. */
public sealed interface Claim {
  /**
   * The caller loads.
   *
   * @param version under which it may fill the value in
   */
  record Granted(Object version) implements Claim {}

  /**
   * Another loads.
   *
   * @param left how long its claim stands at most unless it is extended
   */
  record Busy(Duration left) implements Claim {}

  /**
   * A value has come meanwhile.
   *
   * @param found the value
   */
  record Present(Found found) implements Claim {}

  default @Nullable Object version() {
    return this instanceof Granted granted ? granted.version() : null;
  }
}
