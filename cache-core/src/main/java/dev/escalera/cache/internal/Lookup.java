package dev.escalera.cache.internal;

import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What a read of L2 came to, in values. */
record Lookup<V>(Kind kind, @Nullable Stored<V> stored) {
  enum Kind {
    /** A value that may be served. */
    FRESH,
    /** One that is past its time to live, and nothing worse. */
    EXPIRED,
    /** One that was dropped by a tag. */
    DROPPED,
    /** None. */
    MISSING,
    /** One that cannot be decoded. */
    UNREADABLE,
    /** L2 did not answer. */
    UNREACHABLE
  }

  static <V> Lookup<V> of(Kind kind) {
    return new Lookup<>(kind, null);
  }

  /** The same, but for a tag that was changed since. */
  Lookup<V> dropped() {
    Stored<V> of = Objects.requireNonNull(stored);
    return new Lookup<>(
        Kind.DROPPED, new Stored<>(null, of.age, of.ttl, of.load, of.nonce, Map.of()));
  }

  /** The same, with tags that stand. */
  Lookup<V> under(Map<String, Mark> tags) {
    Stored<V> of = Objects.requireNonNull(stored);
    return new Lookup<>(kind, new Stored<>(of.value, of.age, of.ttl, of.load, of.nonce, tags));
  }

  /**
   * A value of L2. Durations in nanoseconds.
   *
   * @param value null if it is known that there is none
   * @param age of the value when it was read, at the most
   * @param ttl its life in all
   * @param load how long its load took
   * @param nonce of its write
   * @param tags each with the mark under which it was found current
   */
  record Stored<V>(
      @Nullable V value, long age, long ttl, long load, long nonce, Map<String, Mark> tags) {}
}
