package dev.escalera.cache;

import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What one entry has of its own.
 *
 * @param ttl how long it lives, 1 ms to 365 days; null for the time to live of the cache
 * @param tags by which it can be dropped, at most 64 of at most 256 bytes of UTF-8 each
 */
public record EntryOptions(@Nullable Duration ttl, Set<String> tags) {
  private static final EntryOptions NONE = new EntryOptions(null, Set.of());

  /**
   * Checks the options.
   *
   * @param ttl how long it lives; null for the time to live of the cache
   * @param tags by which it can be dropped
   * @throws IllegalArgumentException if a value is out of range
   */
  public EntryOptions {
    if (ttl != null) {
      CacheBuilder.lifetime("ttl", ttl);
    }
    tags = Set.copyOf(Objects.requireNonNull(tags, "tags"));
    Tags.check(tags);
  }

  /**
   * Returns options that leave all to the cache.
   *
   * @return no options
   */
  public static EntryOptions none() {
    return NONE;
  }

  /**
   * Returns options of a time to live.
   *
   * @param ttl how long the entry lives
   * @return the options
   * @throws IllegalArgumentException if it is out of range
   */
  public static EntryOptions ttl(Duration ttl) {
    return new EntryOptions(Objects.requireNonNull(ttl, "ttl"), Set.of());
  }

  /**
   * Returns options of tags.
   *
   * @param tags by which the entry can be dropped
   * @return the options
   * @throws IllegalArgumentException if there are too many or one is too long
   */
  public static EntryOptions tags(String... tags) {
    return new EntryOptions(null, Set.of(tags));
  }
}
