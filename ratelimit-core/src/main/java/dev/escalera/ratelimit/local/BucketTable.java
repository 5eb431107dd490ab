package dev.escalera.ratelimit.local;

import dev.escalera.ratelimit.internal.Figures;
import dev.escalera.ratelimit.internal.ProcessClock;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The buckets of one limit by subject, bounded. A full bucket is as good as none: full ones are
 * swept out from time to time, and where there are too many, one goes that is soon full. Safe for
 * use by several threads.
 */
final class BucketTable {
  /** Of so many buckets, neighbours by hash, the one that is full first goes. */
  private static final int SAMPLE = 8;

  private static final long MIN_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** Sweeping takes no more than such a part of the time. */
  private static final int PAUSE_PER_SWEEP = 100;

  private static final long NEVER = Long.MAX_VALUE / 2;

  private final ConcurrentHashMap<String, LocalBucket> buckets = new ConcurrentHashMap<>();
  private final long maximum;
  private final ProcessClock clock;

  /** When the next sweep is due. */
  private final AtomicLong due;

  /** Where the next sample is taken. Guarded by this. */
  private Iterator<Map.Entry<String, LocalBucket>> hand = buckets.entrySet().iterator();

  BucketTable(long maximum, ProcessClock clock) {
    this.maximum = maximum;
    this.clock = clock;
    this.due = new AtomicLong(clock.nanos() + MIN_PAUSE_NANOS);
  }

  @Nullable LocalBucket find(String subject) {
    return buckets.get(subject);
  }

  /** Returns the bucket of the subject, a new one if there is none. */
  LocalBucket of(String subject, Figures figures) {
    LocalBucket bucket = buckets.get(subject);
    return bucket != null ? bucket : add(subject, figures);
  }

  void remove(String subject) {
    LocalBucket bucket = buckets.remove(subject);
    if (bucket != null) {
      bucket.retire();
    }
  }

  /** Removes a bucket that was given up, so that no one has to wait for who gave it up. */
  void drop(String subject, LocalBucket retired) {
    buckets.remove(subject, retired);
  }

  void clear() {
    buckets.clear();
  }

  long size() {
    return buckets.mappingCount();
  }

  /** Has full buckets removed by another thread, if it is time. */
  void sweepIfDue(long nanos) {
    long time = due.get();
    if (nanos - time >= 0 && due.compareAndSet(time, nanos + NEVER)) {
      // Not by the common pool as such, which may be set to have no thread.
      CompletableFuture.runAsync(this::sweep);
    }
  }

  /** Removes full buckets. */
  void sweep() {
    long begun = clock.nanos();
    buckets.forEach(
        (subject, bucket) -> {
          if (bucket.retireIfFull(begun / 1_000)) {
            buckets.remove(subject, bucket);
          }
        });
    long ended = clock.nanos();
    due.set(ended + Math.max(MIN_PAUSE_NANOS, PAUSE_PER_SWEEP * (ended - begun)));
  }

  private LocalBucket add(String subject, Figures figures) {
    boolean hasMore = true;
    while (hasMore && buckets.mappingCount() >= maximum) {
      hasMore = evict();
    }
    LocalBucket added = new LocalBucket(figures, clock.nanos() / 1_000);
    LocalBucket other = buckets.putIfAbsent(subject, added);
    return other != null ? other : added;
  }

  /** Removes a bucket; false if only such were seen as decisions under way are about to use. */
  private synchronized boolean evict() {
    long now = clock.nanos() / 1_000;
    Map.Entry<String, LocalBucket> first = null;
    long least = Long.MAX_VALUE;
    for (int i = 0; i < SAMPLE; i++) {
      if (!hand.hasNext()) {
        hand = buckets.entrySet().iterator();
      }
      if (hand.hasNext()) {
        Map.Entry<String, LocalBucket> next = hand.next();
        long micros = next.getValue().microsToFull(now);
        if (micros < least) {
          first = next;
          least = micros;
        }
      }
    }
    if (first == null) {
      return false;
    }
    first.getValue().retire();
    buckets.remove(first.getKey(), first.getValue());
    return true;
  }
}
