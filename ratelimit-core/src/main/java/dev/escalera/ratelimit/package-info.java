/**
 * Rate limits by endpoint and subject that a whole fleet shares, exact to the token.
 *
 * <p>{@link dev.escalera.ratelimit.RateLimiter} is the entry point. A {@link
 * dev.escalera.ratelimit.Limit} is a token bucket: it holds at most {@code burst} tokens and gains
 * {@code capacity} tokens a {@code period}, evenly. Each pair of a limit and a subject has a bucket
 * of its own, full at first.
 *
 * <pre>{@code
 * RateLimiter limiter =
 *     RedisRateLimiter.builder(redisClient)
 *         .limit(Limit.of("metrics", 10, Duration.ofMinutes(1)))
 *         .limit(Limit.of("export", 5, Duration.ofMinutes(1)).burst(2))
 *         .build();
 *
 * Decision decision = limiter.tryAcquire("metrics", userId);
 * if (!decision.allowed()) {
 *   response.status(429);
 * }
 * decision.headers(HeaderProfile.DRAFT_11).forEach(response::header);
 * }</pre>
 *
 * <p>Three implementations decide alike: {@code local.LocalRateLimiter} in one process, {@code
 * redis.RedisRateLimiter} with one call a decision, {@code firestore.FirestoreRateLimiter} with a
 * compare-and-set a decision. A store that does not answer is no exception but a decision by {@link
 * dev.escalera.ratelimit.FailurePolicy}.
 */
@NullMarked
package dev.escalera.ratelimit;

import org.jspecify.annotations.NullMarked;
