package dev.escalera.cache.internal;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The first tier. An entry is served only while its mark stands: the epoch of its stripe of keys,
 * which each change moves, and the generation, which a fence moves for all.
 *
 * <p>Whoever stores takes the mark before it reads what it will store: a change in between, even
 * one that comes between a check and the store, then leaves an entry that is never served. Two keys
 * that share a stripe only cost each other a miss.
 */
final class LocalTier<K, V> {
  /** Odd while this node hears of all changes. */
  private final AtomicLong generation = new AtomicLong();

  private final AtomicIntegerArray epochs;
  private final Cache<K, Entry<V>> entries;
  private final Executor executor;

  LocalTier(long maximumSize, LongSupplier ticker, Executor executor) {
    long stripes = Math.max(1 << 12, Math.min(1 << 20, Math.min(maximumSize, 1 << 20) * 16));
    this.epochs = new AtomicIntegerArray(Integer.highestOneBit((int) stripes));
    this.executor = executor;
    this.entries =
        Caffeine.newBuilder()
            .maximumSize(maximumSize)
            .ticker(ticker::getAsLong)
            .expireAfter(new EntryExpiry<K, V>())
            .build();
  }

  @Nullable V get(K key) {
    Entry<V> entry = entries.getIfPresent(key);
    return entry != null
            && entry.epoch == epochs.get(entry.stripe)
            && entry.generation == generation.get()
        ? entry.value
        : null;
  }

  /** Returns what stands for a hash now. */
  Mark mark(long hash) {
    int stripe = stripe(hash);
    return new Mark(stripe, epochs.get(stripe), generation.get());
  }

  boolean stands(Mark mark) {
    return mark.epoch == epochs.get(mark.stripe) && mark.generation == generation.get();
  }

  /** Outdates all that was marked for a hash, and returns the mark that stands then. */
  Mark change(long hash) {
    int stripe = stripe(hash);
    return new Mark(stripe, epochs.incrementAndGet(stripe), generation.get());
  }

  /**
   * Ends a change that began with a mark: outdates what was marked meanwhile. Returns the new mark,
   * or null if another change came between, so that nobody knows which of them was last.
   */
  @Nullable Mark settle(Mark began) {
    boolean alone = epochs.compareAndSet(began.stripe, began.epoch, began.epoch + 1);
    if (!alone) {
      epochs.incrementAndGet(began.stripe);
      return null;
    }
    return new Mark(began.stripe, began.epoch + 1, began.generation);
  }

  /** Stores a value that will be served while the mark stands. */
  void store(K key, V value, Mark mark, long ttlNanos) {
    if (ttlNanos > 0 && (mark.generation & 1) == 1 && stands(mark)) {
      entries.put(key, new Entry<>(value, mark.stripe, mark.epoch, mark.generation, ttlNanos));
    }
  }

  void remove(K key) {
    entries.invalidate(key);
  }

  /** Outdates all entries and takes no more; returns whether that is a change. */
  boolean fence() {
    boolean fenced = move(1);
    if (fenced) {
      // Only to give the memory back; what comes under a later generation stays.
      long outdated = generation.get();
      executor.execute(
          () -> entries.asMap().values().removeIf(entry -> entry.generation < outdated));
    }
    return fenced;
  }

  /** Takes entries again, whose marks are taken from now on; returns whether that is a change. */
  boolean open() {
    return move(0);
  }

  boolean isFenced() {
    return (generation.get() & 1) == 0;
  }

  long size() {
    return entries.estimatedSize();
  }

  private boolean move(long from) {
    long now = generation.get();
    while ((now & 1) == from) {
      if (generation.compareAndSet(now, now + 1)) {
        return true;
      }
      now = generation.get();
    }
    return false;
  }

  private int stripe(long hash) {
    return (int) hash & epochs.length() - 1;
  }

  record Mark(int stripe, int epoch, long generation) {}

  private record Entry<V>(V value, int stripe, int epoch, long generation, long ttlNanos) {}

  private static final class EntryExpiry<K, V> implements Expiry<K, Entry<V>> {
    @Override
    public long expireAfterCreate(K key, Entry<V> entry, long now) {
      return entry.ttlNanos;
    }

    @Override
    public long expireAfterUpdate(K key, Entry<V> entry, long now, long remaining) {
      return entry.ttlNanos;
    }

    @Override
    public long expireAfterRead(K key, Entry<V> entry, long now, long remaining) {
      return remaining;
    }
  }
}
