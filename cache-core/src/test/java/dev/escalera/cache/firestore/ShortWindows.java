package dev.escalera.cache.firestore;

import java.time.Duration;

/**
 * Windows as much shorter as the other times of a test are: listeners take over all the time, and
 * the emulator, which for each commit does the query of each listener anew, has few results to go
 * through.
 */
public final class ShortWindows {
  static final Windows WINDOWS =
      new Windows(
          Duration.ofSeconds(20),
          Duration.ofSeconds(8),
          Windows.DEFAULT.maxGap(),
          Duration.ofSeconds(5));

  private ShortWindows() {}

  /** Gives a cache short windows. */
  public static <K, V> FirestoreTieredCache.Builder<K, V> of(
      FirestoreTieredCache.Builder<K, V> builder) {
    return builder.windows(WINDOWS);
  }
}
