package dev.escalera.cache.internal;

/**
 * Until when L1 may be served as coherent, and of which generation its entries must be.
 *
 * <p>The generation is odd while this node hears of all changes. A fence moves it, and so does the
 * first renewal after it: what was read in between belongs to neither. Where changes come from
 * several servers the lease has a part for each, and holds while all of them do. Reads are
 * lock-free.
 */
public final class Lease {
  private final Platform platform;
  private volatile long generation;
  private volatile long until;

  /** When each part ends, and its own generation, odd while it is open. Guarded by this. */
  private final long[] ends;

  private final long[] generations;
  private int open;

  /** How long no lease has held, and until when that is counted. */
  private long fencedNanos;

  private long counted;

  public Lease(Platform platform) {
    this(platform, 1);
  }

  public Lease(Platform platform, int parts) {
    this.platform = platform;
    this.ends = new long[parts];
    this.generations = new long[parts];
    this.until = platform.nanos() - 1;
    this.counted = platform.nanos();
  }

  /** Returns whether L1 may be served at a time of the platform's clock. */
  public boolean holds(long now) {
    return until - now > 0;
  }

  long generation() {
    return generation;
  }

  /** Returns whether no generation is open. */
  public boolean isFenced() {
    return (generation & 1) == 0;
  }

  /** Lets L1 serve until a time as far as a part goes, if that is of this generation still. */
  public synchronized boolean renew(int part, long expected, long end) {
    if (generations[part] != expected || (expected & 1) == 0) {
      return false;
    }
    ends[part] = end;
    settle();
    return true;
  }

  /** Opens the lease if it has one part. */
  public long open(long end) {
    return open(0, end);
  }

  /** Begins a generation of a part that hears of all changes; returns it. */
  public synchronized long open(int part, long end) {
    if ((generations[part] & 1) == 0) {
      generations[part]++;
      open++;
    }
    ends[part] = end;
    if (open == ends.length && isFenced()) {
      generation++;
    }
    settle();
    return generations[part];
  }

  /** Fences the lease if it has one part. */
  public boolean fence() {
    return fence(0);
  }

  /** Begins a generation of a part that does not; returns whether the whole did until now. */
  public synchronized boolean fence(int part) {
    count();
    until = platform.nanos() - 1;
    if ((generations[part] & 1) != 0) {
      generations[part]++;
      open--;
    }
    if (isFenced()) {
      return false;
    }
    generation++;
    return true;
  }

  private void settle() {
    if (isFenced()) {
      return;
    }
    long first = ends[0];
    for (long end : ends) {
      first = end - first < 0 ? end : first;
    }
    count();
    until = first;
  }

  /** How long no lease held, in all. */
  synchronized long fencedNanos() {
    count();
    return fencedNanos;
  }

  /** Counts up to now; whoever moves the end of the lease does so before. */
  private void count() {
    long now = platform.nanos();
    fencedNanos += Math.max(0, now - (counted - until > 0 ? counted : until));
    counted = now;
  }

  /** Returns an end that does not come. */
  public long never() {
    return platform.nanos() + Long.MAX_VALUE / 2;
  }
}
