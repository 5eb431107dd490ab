package dev.escalera.ratelimit;

/** What operators do with single buckets. Safe for use by any number of threads. */
public interface Maintenance {
  /**
   * Returns what the store would answer to a request of one token, and takes none; waits for the
   * store, at most its deadline.
   *
   * @param limit the name of a limit that the limiter was built with
   * @param subject whom the limit is for
   * @return the decision that would be made
   * @throws IllegalArgumentException if there is no such limit, or the subject is out of range
   * @throws IllegalStateException if the limiter is closed
   * @throws RateLimitException if the store does not answer, or the thread is interrupted
   */
  Decision peek(String limit, String subject);

  /**
   * Fills the bucket; waits for the store, at most its deadline. Other nodes may go on denying by
   * what they last knew, for a second at most, and may still spend what they have leased.
   *
   * @param limit the name of a limit that the limiter was built with
   * @param subject whom the limit is for
   * @throws IllegalArgumentException if there is no such limit, or the subject is out of range
   * @throws IllegalStateException if the limiter is closed
   * @throws RateLimitException if the store does not answer, in which case the bucket may have been
   *     filled; or the thread is interrupted
   */
  void reset(String limit, String subject);
}
