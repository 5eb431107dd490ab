package dev.escalera.ratelimit.redis;

import static dev.escalera.ratelimit.redis.LuaScript.utf8;

import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.internal.Keys;
import dev.escalera.ratelimit.internal.Limits;
import dev.escalera.ratelimit.internal.Outcome;
import dev.escalera.ratelimit.internal.RemoteRateLimiter;
import io.lettuce.core.RedisClient;
import io.lettuce.core.ScriptOutputType;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** The buckets in Redis: one string a bucket, which expires when it is full. */
final class RedisBuckets implements RemoteRateLimiter.Store {
  private static final int MAX_IN_FLIGHT = 10_000;
  private static final LuaScript ACQUIRE = LuaScript.load("acquire.lua", ScriptOutputType.MULTI);

  private final RedisLink link;
  private final Supplier<OptionalLong> clock;

  RedisBuckets(RedisClient client, Duration deadline, Supplier<OptionalLong> clock) {
    this.link = new RedisLink(client, "RedisRateLimiter", deadline, MAX_IN_FLIGHT);
    this.clock = clock;
  }

  @Override
  public CompletableFuture<Outcome> acquire(Limit limit, String subject, long cost) {
    byte[][] keys = {utf8(key(limit.name(), subject))};
    byte[][] arguments = {
      number(limit.capacity()),
      number(Limits.periodMicros(limit)),
      number(limit.burst()),
      number(cost),
      clock.get().isPresent() ? number(clock.get().getAsLong()) : new byte[0]
    };
    CompletableFuture<List<Long>> reply =
        link.call(redis -> ACQUIRE.run(redis.async(), keys, arguments));
    return reply.thenApply(
        numbers ->
            new Outcome(numbers.get(0) == 1, numbers.get(1), numbers.get(2), numbers.get(3)));
  }

  @Override
  public void close() {
    link.close();
  }

  static String key(String limit, String subject) {
    return "escalera:ratelimit:{" + Keys.escape(limit) + ":" + Keys.escape(subject) + "}";
  }

  private static byte[] number(long number) {
    return utf8(Long.toString(number));
  }
}
