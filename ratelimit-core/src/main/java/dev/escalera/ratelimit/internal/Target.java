package dev.escalera.ratelimit.internal;

import dev.escalera.ratelimit.Limit;

/**
 * A bucket that is asked for.
 *
 * @param key which
 * @param limit the limit as this node has it
 * @param figures of that limit
 */
public record Target(Key key, Limit limit, Figures figures) {
  /**
   * Names a bucket.
   *
   * @param shard which of several, where a limit is spread; else 0
   */
  public record Key(String limit, String subject, int shard) {
    public Key(String limit, String subject) {
      this(limit, subject, 0);
    }

    @Override
    public String toString() {
      return "\"" + Keys.escape(limit) + "\" for \"" + Keys.escape(subject) + "\"";
    }
  }
}
