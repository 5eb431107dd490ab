package dev.escalera.cache.internal;

/**
 * Until when L1 may be served as coherent, and of which generation its entries must be.
 *
 * <p>The generation is odd while this node hears of all changes. A fence moves it, and so does the
 * first renewal after it: what was read in between belongs to neither. Reads are lock-free.
 */
public final class Lease {
  private final Platform platform;
  private volatile long generation;
  private volatile long until;
  private long fencedSince;
  private long fencedNanos;

  public Lease(Platform platform) {
    this.platform = platform;
    this.until = platform.nanos() - 1;
    this.fencedSince = platform.nanos();
  }

  /** Returns whether L1 may be served at a time of the platform's clock. */
  boolean holds(long now) {
    return until - now > 0;
  }

  long generation() {
    return generation;
  }

  boolean isFenced() {
    return (generation & 1) == 0;
  }

  /** Lets L1 serve until a time, if the lease is of this generation still. */
  synchronized boolean renew(long expected, long end) {
    if (generation != expected || isFenced()) {
      return false;
    }
    until = end;
    return true;
  }

  /** Begins a generation that hears of all changes; returns it. */
  public synchronized long open(long end) {
    if (isFenced()) {
      fencedNanos += platform.nanos() - fencedSince;
      generation++;
    }
    until = end;
    return generation;
  }

  /** Begins a generation that does not; returns whether the one before did. */
  public synchronized boolean fence() {
    until = platform.nanos() - 1;
    if (isFenced()) {
      return false;
    }
    fencedSince = platform.nanos();
    generation++;
    return true;
  }

  /** How long no generation was open, in all. */
  synchronized long fencedNanos() {
    return fencedNanos + (isFenced() ? platform.nanos() - fencedSince : 0);
  }

  /** Returns an end that does not come. */
  public long never() {
    return platform.nanos() + Long.MAX_VALUE / 2;
  }
}
