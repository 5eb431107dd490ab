package dev.escalera.ratelimit;

import java.time.Duration;
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
   * Takes the cost from every bucket of the request if all hold it, else from none.
   *
   * <p>Never waits for tokens. The returned stage never fails because of the store: the failure
   * policy decides then. It does not complete on a thread of the store's driver but on one of a few
   * that all limiters of the process share: what depends on it should not block them for long.
   *
   * @param permits limits, subjects and cost
   * @return the decision
   * @throws IllegalArgumentException if there is no such limit, subject or cost are out of range,
   *     or the store cannot decide on these buckets together; nothing is taken
   * @throws IllegalStateException if this limiter is closed
   */
  CompletionStage<Decision> tryAcquireAsync(Permits permits);

  /**
   * Takes the cost from every bucket of the request if all hold it, else from none; waits for the
   * store, at most its deadline, and never for tokens.
   *
   * @param permits limits, subjects and cost
   * @return the decision
   * @throws IllegalArgumentException if there is no such limit, subject or cost are out of range,
   *     or the store cannot decide on these buckets together; nothing is taken
   * @throws IllegalStateException if this limiter is closed
   * @throws RateLimitException if the thread is interrupted while it waits; the tokens may have
   *     been taken
   */
  Decision tryAcquire(Permits permits);

  /**
   * Takes the cost from every bucket of the request as soon as all hold it, within {@code maxWait};
   * else from none, and says so as soon as it is clear.
   *
   * <p>Those that wait for the same buckets in this process are served in order of arrival. Nothing
   * is reserved: others may take the tokens first.
   *
   * @param permits limits, subjects and cost
   * @param maxWait zero to 1 day
   * @return the decision, the last that was made
   * @throws IllegalArgumentException if the request or {@code maxWait} are out of range
   * @throws IllegalStateException if this limiter is closed
   */
  CompletionStage<Decision> acquireAsync(Permits permits, Duration maxWait);

  /**
   * Takes the cost from every bucket of the request as {@link #acquireAsync(Permits, Duration)}
   * does, and waits for it.
   *
   * @param permits limits, subjects and cost
   * @param maxWait zero to 1 day
   * @return the decision, the last that was made
   * @throws IllegalArgumentException if the request or {@code maxWait} are out of range
   * @throws IllegalStateException if this limiter is closed
   * @throws RateLimitException if the thread is interrupted while it waits; it waits no longer, and
   *     the tokens may have been taken
   */
  Decision acquire(Permits permits, Duration maxWait);

  /**
   * Takes one token or none, as {@link #tryAcquireAsync(Permits)} does.
   *
   * @param limit the name of a limit that this limiter was built with
   * @param subject whom the limit is for, such as a user id: any text of 1 to 1,024 bytes in UTF-8
   * @return the decision
   * @throws IllegalArgumentException if there is no such limit, or the subject is out of range
   * @throws IllegalStateException if this limiter is closed
   */
  default CompletionStage<Decision> tryAcquireAsync(String limit, String subject) {
    return tryAcquireAsync(limit, subject, 1);
  }

  /**
   * Takes {@code cost} tokens or none, as {@link #tryAcquireAsync(Permits)} does.
   *
   * @param limit the name of a limit that this limiter was built with
   * @param subject whom the limit is for, such as a user id: any text of 1 to 1,024 bytes in UTF-8
   * @param cost how many tokens, from 1 to the burst of the limit
   * @return the decision
   * @throws IllegalArgumentException if there is no such limit, or subject or cost are out of range
   * @throws IllegalStateException if this limiter is closed
   */
  default CompletionStage<Decision> tryAcquireAsync(String limit, String subject, long cost) {
    return tryAcquireAsync(Permits.of(limit, subject).cost(cost));
  }

  /**
   * Takes one token or none, as {@link #tryAcquire(Permits)} does.
   *
   * @param limit the name of a limit that this limiter was built with
   * @param subject whom the limit is for, such as a user id: any text of 1 to 1,024 bytes in UTF-8
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
   * Takes {@code cost} tokens or none, as {@link #tryAcquire(Permits)} does.
   *
   * @param limit the name of a limit that this limiter was built with
   * @param subject whom the limit is for, such as a user id: any text of 1 to 1,024 bytes in UTF-8
   * @param cost how many tokens, from 1 to the burst of the limit
   * @return the decision
   * @throws IllegalArgumentException if there is no such limit, or subject or cost are out of range
   * @throws IllegalStateException if this limiter is closed
   * @throws RateLimitException if the thread is interrupted while it waits; the tokens may have
   *     been taken
   */
  default Decision tryAcquire(String limit, String subject, long cost) {
    return tryAcquire(Permits.of(limit, subject).cost(cost));
  }

  /**
   * Takes one token as soon as there is one, as {@link #acquire(Permits, Duration)} does.
   *
   * @param limit the name of a limit that this limiter was built with
   * @param subject whom the limit is for, such as a user id: any text of 1 to 1,024 bytes in UTF-8
   * @param maxWait zero to 1 day
   * @return the decision, the last that was made
   * @throws IllegalArgumentException if there is no such limit, or subject or {@code maxWait} are
   *     out of range
   * @throws IllegalStateException if this limiter is closed
   * @throws RateLimitException if the thread is interrupted while it waits; the token may have been
   *     taken
   */
  default Decision acquire(String limit, String subject, Duration maxWait) {
    return acquire(Permits.of(limit, subject), maxWait);
  }

  /**
   * Returns what operators do with single buckets.
   *
   * @return the operations
   */
  Maintenance maintenance();

  /**
   * Returns what this limiter did since it was built.
   *
   * @return the figures, each read by itself
   */
  RateLimiterStats stats();

  /**
   * Gives back what is leased, as far as the store takes it within the deadline, and closes the
   * connections that this limiter opened; the client that it was given stays open. Idempotent.
   */
  @Override
  void close();
}
