package dev.escalera.ratelimit;

import java.util.concurrent.CompletionStage;

/**
 * Decides whether a subject may go on, by named token buckets.
 *
 * <p>Over every interval of length T a bucket admits at most burst + rate x T, by the clock of the
 * store that keeps it. Decisions on one bucket are atomic; a denial takes nothing. Instances are
 * safe for use by any number of threads.
 */
public interface RateLimiter extends AutoCloseable {
  /**
   * Takes {@code cost} tokens from the bucket of {@code limit} and {@code subject} if it holds
   * them, else none.
   *
   * <p>Never waits for tokens. The returned stage never fails because of the store: the failure
   * policy decides then. It does not complete on a thread of the store's driver.
   *
   * @param limit the name of a limit that this limiter was built with
   * @param subject whom the limit is for, such as a user id: any text of 1 to 1,024 bytes in UTF-8
   * @param cost how many tokens, from 1 to the burst of the limit
   * @return the decision
   * @throws IllegalArgumentException if there is no such limit, or subject or cost are out of
   *     range; nothing is taken
   * @throws IllegalStateException if this limiter is closed
   */
  CompletionStage<Decision> tryAcquireAsync(String limit, String subject, long cost);

  /**
   * Takes one token, as {@link #tryAcquireAsync(String, String, long)} does.
   *
   * @param limit the name of a limit that this limiter was built with
   * @param subject whom the limit is for
   * @return the decision
   * @throws IllegalArgumentException if there is no such limit, or the subject is out of range
   * @throws IllegalStateException if this limiter is closed
   */
  default CompletionStage<Decision> tryAcquireAsync(String limit, String subject) {
    return tryAcquireAsync(limit, subject, 1);
  }

  /**
   * Takes {@code cost} tokens from the bucket of {@code limit} and {@code subject} if it holds
   * them, else none; waits for the store, at most its deadline, and never for tokens.
   *
   * @param limit the name of a limit that this limiter was built with
   * @param subject whom the limit is for, such as a user id: any text of 1 to 1,024 bytes in UTF-8
   * @param cost how many tokens, from 1 to the burst of the limit
   * @return the decision
   * @throws IllegalArgumentException if there is no such limit, or subject or cost are out of
   *     range; nothing is taken
   * @throws IllegalStateException if this limiter is closed
   * @throws RateLimitException if the thread is interrupted while it waits; the tokens may have
   *     been taken
   */
  Decision tryAcquire(String limit, String subject, long cost);

  /**
   * Takes one token, as {@link #tryAcquire(String, String, long)} does.
   *
   * @param limit the name of a limit that this limiter was built with
   * @param subject whom the limit is for
   * @return the decision
   * @throws IllegalArgumentException if there is no such limit, or the subject is out of range
   * @throws IllegalStateException if this limiter is closed
   * @throws RateLimitException if the thread is interrupted while it waits; the token may have been
   *     taken
   */
  default Decision tryAcquire(String limit, String subject) {
    return tryAcquire(limit, subject, 1);
  }

  /**
   * Closes the connections that this limiter opened; the client that it was given stays open.
   * Idempotent.
   */
  @Override
  void close();
}
