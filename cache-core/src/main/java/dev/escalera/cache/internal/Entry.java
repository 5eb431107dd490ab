package dev.escalera.cache.internal;

import org.jspecify.annotations.Nullable;

/**
 * A value in L1, with all that decides whether it may be served. Times are the platform's. A mark
 * is kept in its parts: a hit reads one object less.
 */
final class Entry<V> {
  /** Null if it is known that there is none. */
  final @Nullable V value;

  final int stripe;
  final long epoch;
  final long generation;

  /** Null if it has none. */
  final Mark @Nullable [] tags;

  final long expires;

  /** From when on a read may refresh it early. */
  final long early;

  /** What no hit reads: apart, so that it reads one line of memory less. */
  private final Past past;

  private record Past(long kept, long loaded, long loadNanos, long nonce) {}

  Entry(
      @Nullable V value,
      Mark mark,
      Mark @Nullable [] tags,
      long expires,
      long kept,
      long loaded,
      long early,
      long loadNanos,
      long nonce) {
    this.value = value;
    this.stripe = mark.stripe();
    this.epoch = mark.epoch();
    this.generation = mark.generation();
    this.tags = tags == null || tags.length == 0 ? null : tags;
    this.expires = expires;
    this.early = early;
    this.past = new Past(kept, loaded, loadNanos, nonce);
  }

  /** Until when it is of use at all. */
  long kept() {
    return past.kept;
  }

  /** When its load began, at the latest. */
  long loaded() {
    return past.loaded;
  }

  long loadNanos() {
    return past.loadNanos;
  }

  /** Which write of L2 it is; 0 if none. */
  long nonce() {
    return past.nonce;
  }

  /** Returns the same in another generation of the lease. */
  Entry<V> in(long other) {
    Mark mark = new Mark(stripe, epoch, other);
    return new Entry<>(value, mark, tags, expires, kept(), loaded(), early, loadNanos(), nonce());
  }

  /** Whether it was loaded past L2, which may hold another: it serves where L2 does not answer. */
  boolean isAlone() {
    return generation < 0;
  }

  /** The generation of the lease under which it came. */
  long heardIn() {
    return isAlone() ? ~generation : generation;
  }
}
