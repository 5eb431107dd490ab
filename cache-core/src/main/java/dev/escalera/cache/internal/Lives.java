package dev.escalera.cache.internal;

import dev.escalera.cache.CacheOptions;
import dev.escalera.cache.EntryOptions;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** How long entries live, and what they are tagged with. */
final class Lives<K, V> {
  /** Where exp(-x) is nothing: earlier no read draws. */
  private static final double CERTAINLY_NOT = 20;

  private final CacheOptions<K, V> options;
  private final Platform platform;

  /** In nanoseconds: each entry asks for it. */
  private final long l1Ttl;

  private final long staleIfError;

  Lives(CacheOptions<K, V> options, Platform platform) {
    this.options = options;
    this.platform = platform;
    this.l1Ttl = options.l1Ttl().toNanos();
    this.staleIfError = options.staleIfError().toNanos();
  }

  /** Returns the life of what was loaded; null if it is not to be kept. */
  @Nullable Duration ofLoaded(K key, @Nullable V value) {
    if (value == null) {
      Duration negative = options.negativeTtl();
      return negative == null ? null : jittered(negative);
    }
    return jittered(base(key, value));
  }

  /** Returns the life of what is put. */
  Duration ofPut(K key, V value, EntryOptions entry) {
    Duration own = entry.ttl();
    return jittered(own != null ? own : base(key, value));
  }

  Set<String> tags(K key, @Nullable V value) {
    return options.tagsOf() == null || value == null
        ? Set.of()
        : new EntryOptions(null, options.tagsOf().apply(key, value)).tags();
  }

  private Duration base(K key, V value) {
    if (options.ttlOf() == null) {
      return options.ttl();
    }
    Duration ttl = options.ttlOf().apply(key, value);
    // Refused if it is out of range.
    return Objects.requireNonNullElse(EntryOptions.ttl(ttl).ttl(), ttl);
  }

  private Duration jittered(Duration ttl) {
    double share = 1 - options.ttlJitter() * platform.random();
    return Duration.ofMillis(Math.max(1, (long) (ttl.toMillis() * share)));
  }

  /** Makes an entry now, of a value of an age whose load began at a time and took a while. */
  Entry<V> entry(
      @Nullable V value,
      Mark mark,
      Mark @Nullable [] tags,
      long ttl,
      long age,
      long loaded,
      long took,
      long nonce,
      long now) {
    long left = ttl - age;
    long expires = now + Math.min(left, l1Ttl);
    long kept = now + left + staleIfError;
    double beta = options.earlyRefresh();
    // By the end in L2: it is that which all nodes reach together.
    long early =
        beta == 0 || took == 0
            ? expires
            : now + left - (long) Math.min((double) left, beta * took * CERTAINLY_NOT);
    return new Entry<>(value, mark, tags, expires, kept, loaded, early, took, nonce);
  }

  /** Draws whether a read refreshes, with the probability exp(-left / (beta x took)). */
  boolean isDueEarly(Entry<V> entry, long now) {
    double beta = options.earlyRefresh();
    long left = entry.kept() - staleIfError - now;
    return beta > 0 && -Math.log(1 - platform.random()) * beta * entry.loadNanos() >= left;
  }
}
