package dev.escalera.cache.internal;

import org.jspecify.annotations.Nullable;

/** What this node knows of the store's time: two bounds, from a reply that carried it. */
public final class StoreClock {
  private volatile @Nullable Sample sample;

  private record Sample(long millis, long sent, long received) {}

  public void learn(long millis, long sent, long received) {
    sample = new Sample(millis, sent, received);
  }

  public boolean isKnown() {
    return sample != null;
  }

  /** Returns the store's time at a local time in milliseconds, at the least. */
  public long atLeast(long now) {
    Sample known = known();
    return known.millis + Math.floorDiv(now - known.received, 1_000_000);
  }

  /** Returns the store's time at a local time in milliseconds, at the most. */
  public long atMost(long now) {
    Sample known = known();
    return known.millis + 1 + Math.floorDiv(now - known.sent, 1_000_000);
  }

  private Sample known() {
    Sample known = sample;
    if (known == null) {
      throw new IllegalStateException("the store's time is not known");
    }
    return known;
  }
}
