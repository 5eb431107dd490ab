package dev.escalera.cache.internal;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Weigher;
import dev.escalera.cache.CacheOptions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.ToIntBiFunction;
import org.jspecify.annotations.Nullable;

/**
 * The first tier. An entry is served only while its marks stand: the epoch of its stripe of keys,
 * which each change moves, the epochs of its tags, and the generation of the lease.
 *
 * <p>Whoever stores takes the mark before it reads what it will store: a change in between, even
 * one that comes between a check and the store, then leaves an entry that is never served. Two keys
 * that share a stripe only cost each other a miss.
 */
final class LocalTier<K, V> {
  private final Lease lease;
  private final Platform platform;
  private final Rules rules;

  /** For each stripe, the number of its last change; numbers grow over all stripes. */
  private final AtomicLongArray epochs;

  private final AtomicLong changes = new AtomicLong();
  private final Cache<K, Entry<V>> entries;

  LocalTier(CacheOptions<K, V> options, Lease lease, Platform platform, Rules rules) {
    this.lease = lease;
    this.platform = platform;
    this.rules = rules;
    long entriesExpected = Math.min(options.l1MaximumSize(), 1 << 16);
    // Enough that few entries share one, few enough to stay in the processor's cache.
    long stripes = Math.max(1 << 12, Math.min(1 << 20, entriesExpected * 8));
    this.epochs = new AtomicLongArray(Integer.highestOneBit((int) stripes));
    Caffeine<Object, Object> builder = Caffeine.newBuilder().executor(Runnable::run);
    ToIntBiFunction<? super K, ? super V> weigher = options.l1Weigher();
    if (weigher == null) {
      this.entries = builder.maximumSize(options.l1MaximumSize()).build();
    } else {
      Weigher<K, Entry<V>> weighs =
          (key, entry) -> entry.value == null ? 1 : weigher.applyAsInt(key, entry.value);
      this.entries = builder.maximumWeight(options.l1MaximumSize()).weigher(weighs).build();
    }
  }

  /** Returns the entry of a key, whatever its state. */
  @Nullable Entry<V> find(K key) {
    return entries.getIfPresent(key);
  }

  /** Returns the entry of a key without a trace: what looks twice is not read twice as often. */
  @Nullable Entry<V> findAgain(K key) {
    return entries.policy().getIfPresentQuietly(key);
  }

  /** Whether an entry may be served as coherent. */
  boolean isCoherent(Entry<V> entry, long now) {
    return now - entry.expires < 0
        && lease.holds(now)
        && entry.generation == lease.generation()
        && isUnmoved(entry);
  }

  /**
   * Whether nothing is known, as of the last lease that this node held, that outdates an entry:
   * enough where no coherent value can be had.
   */
  boolean isUnrefuted(Entry<V> entry) {
    long generation = lease.generation();
    long of = entry.heardIn();
    return isUnmoved(entry)
        && (of == generation || ((generation & 1) == 0 && of == generation - 1));
  }

  private boolean isUnmoved(Entry<V> entry) {
    Mark[] tags = entry.tags;
    return entry.epoch == epochs.get(entry.stripe) && (tags == null || areUnmoved(tags));
  }

  private boolean areUnmoved(Mark[] marks) {
    for (Mark mark : marks) {
      if (!isUnmoved(mark)) {
        return false;
      }
    }
    return true;
  }

  private boolean isUnmoved(Mark mark) {
    return mark.epoch() == epochs.get(mark.stripe());
  }

  /** Returns what stands for a hash now. */
  Mark mark(long hash) {
    int stripe = stripe(hash);
    return new Mark(stripe, epochs.get(stripe), lease.generation());
  }

  /** Whether a mark is as it was. */
  boolean stands(Mark mark) {
    return isUnmoved(mark) && mark.generation() == lease.generation();
  }

  /** Returns the number of the last change: a mark of a lower epoch stood before. */
  long now() {
    return changes.get();
  }

  /** Whether no change of a hash has been heard of since the change of a number. */
  boolean isUnchangedSince(long hash, long clock) {
    return epochs.get(stripe(hash)) <= clock;
  }

  /** Outdates all that was marked for a hash, and returns the mark that stands then. */
  Mark change(long hash) {
    int stripe = stripe(hash);
    long epoch = changes.incrementAndGet();
    epochs.accumulateAndGet(stripe, epoch, Math::max);
    return new Mark(stripe, epoch, lease.generation());
  }

  /**
   * Ends a change that began with a mark: outdates what was marked meanwhile. Returns the new mark,
   * or null if another change came between, so that nobody knows which of them was last.
   */
  @Nullable Mark settle(Mark began) {
    long epoch = changes.incrementAndGet();
    if (!epochs.compareAndSet(began.stripe(), began.epoch(), epoch)) {
      epochs.accumulateAndGet(began.stripe(), epoch, Math::max);
      return null;
    }
    return new Mark(began.stripe(), epoch, began.generation());
  }

  /** Returns the mark that an entry bears whose value was read after a mark was taken. */
  Mark borne(Mark before) {
    return rules.bears(before, current(before));
  }

  /** Stores an entry, which will be served while its marks stand. */
  void store(K key, Entry<V> entry) {
    if (entry.epoch != epochs.get(entry.stripe) || entry.heardIn() != lease.generation()) {
      return;
    }
    if (entry.isAlone()) {
      entries
          .asMap()
          .compute(
              key,
              (same, other) ->
                  other != null && isCoherent(other, platform.nanos()) ? other : entry);
    } else {
      entries.put(key, entry);
    }
  }

  private Mark current(Mark mark) {
    return new Mark(mark.stripe(), epochs.get(mark.stripe()), lease.generation());
  }

  void remove(K key) {
    entries.invalidate(key);
  }

  void clear() {
    for (int i = 0; i < epochs.length(); i++) {
      epochs.accumulateAndGet(i, changes.incrementAndGet(), Math::max);
    }
    entries.invalidateAll();
  }

  /** Gives the memory of what can never be served again back. */
  void sweep(long now) {
    entries
        .asMap()
        .values()
        .removeIf(entry -> now - entry.kept() >= 0 || !isUnmoved(entry) || isOld(entry));
  }

  /** Whether an entry would be coherent, had it not been for a time in which nothing was heard. */
  boolean isSuspect(Entry<V> entry, long generation, long now) {
    return !entry.isAlone()
        && entry.generation < generation
        && entry.nonce() != 0
        && now - entry.expires < 0
        && isUnmoved(entry);
  }

  /** Returns the keys of what is suspect, those first that are read most. */
  List<K> suspects(long generation, long now) {
    return hottest(Integer.MAX_VALUE).stream()
        .filter(
            key -> {
              Entry<V> entry = findAgain(key);
              return entry != null && isSuspect(entry, generation, now);
            })
        .toList();
  }

  /**
   * Makes a suspect entry coherent in a generation in which L2 was asked, or drops it; returns
   * whether it is.
   */
  boolean settleSuspect(K key, Entry<V> entry, boolean held, long generation) {
    if (held) {
      return entries.asMap().replace(key, entry, entry.in(generation));
    }
    entries.asMap().remove(key, entry);
    return false;
  }

  /** Returns how many entries have come before a generation and not changed since. */
  int countBefore(long generation) {
    return (int)
        entries.asMap().values().stream()
            .filter(entry -> entry.heardIn() < generation && isUnmoved(entry))
            .count();
  }

  void dropBefore(long generation) {
    entries.asMap().values().removeIf(entry -> entry.heardIn() < generation);
  }

  private boolean isOld(Entry<V> entry) {
    return entry.heardIn() < lease.generation() - 1;
  }

  /** Returns the entries that were read most often, the most first. */
  List<K> hottest(int limit) {
    return entries
        .policy()
        .eviction()
        .map(eviction -> List.copyOf(eviction.hottest(limit).keySet()))
        .orElseGet(() -> List.copyOf(entries.asMap().keySet()));
  }

  Map<K, Entry<V>> all() {
    return entries.asMap();
  }

  /** How many entries are held, once the evictions that are due are done. */
  long size() {
    // On an executor of ours Caffeine leaves them to the next call.
    entries.cleanUp();
    return entries.estimatedSize();
  }

  private int stripe(long hash) {
    return (int) hash & epochs.length() - 1;
  }
}
