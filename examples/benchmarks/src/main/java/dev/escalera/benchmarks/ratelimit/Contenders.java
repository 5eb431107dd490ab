package dev.escalera.benchmarks.ratelimit;

import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.redis.RedisRateLimiter;
import io.github.bucket4j.Bandwidth;
import io.github.bucket4j.BucketConfiguration;
import io.github.bucket4j.distributed.AsyncBucketProxy;
import io.github.bucket4j.distributed.BucketProxy;
import io.github.bucket4j.distributed.ExpirationAfterWriteStrategy;
import io.github.bucket4j.distributed.proxy.ProxyManager;
import io.github.bucket4j.distributed.proxy.RemoteAsyncBucketBuilder;
import io.github.bucket4j.distributed.proxy.RemoteBucketBuilder;
import io.github.bucket4j.distributed.proxy.optimization.Optimizations;
import io.github.bucket4j.redis.lettuce.Bucket4jLettuce;
import io.lettuce.core.RedisClient;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.codec.StringCodec;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.redisson.Redisson;
import org.redisson.api.RRateLimiter;
import org.redisson.api.RateType;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;

/** The contenders, each as its own documentation has it used, and each with keys that expire. */
final class Contenders {
  private static final Duration SECOND = Duration.ofSeconds(1);

  /** No decision is to be lost to a machine that pauses. */
  private static final Duration DEADLINE = Duration.ofSeconds(20);

  /** A token bucket as hosts write one: one string, refilled by Redis's clock. */
  private static final String SCRIPT =
      """
      local time = redis.call('TIME')
      local now = time[1] * 1000000 + time[2]
      local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
      local tokens, at = burst, now
      local stored = redis.call('GET', KEYS[1])
      if stored then
        local t, a = string.match(stored, '^(%S+) (%S+)$')
        at = tonumber(a)
        tokens = math.min(burst, tonumber(t) + (now - at) * rate / 1000000)
      end
      local allowed = tokens >= 1
      if allowed then
        tokens = tokens - 1
      end
      redis.call('SET', KEYS[1], string.format('%.6f %.0f', tokens, now), 'PX', math.ceil(burst / rate * 1000) + 1000)
      return allowed and 1 or 0
      """;

  private Contenders() {}

  /** Takes one's name to its contender. */
  static Contender of(String name, String uri, long rate, long burst) {
    return switch (name) {
      case "Escalera" -> escalera(uri, rate, burst, false);
      case "Escalera leasing" -> escalera(uri, rate, burst, true);
      case "EVALSHA" -> evalsha(uri, rate, burst);
      case "PING" -> ping(uri);
      case "Bucket4j" -> bucket4j(uri, rate, burst, false);
      case "Bucket4j batching" -> bucket4j(uri, rate, burst, true);
      case "Redisson" -> redisson(uri, rate);
      default -> throw new IllegalArgumentException("no contender " + name);
    };
  }

  private static Contender escalera(String uri, long rate, long burst, boolean leasing) {
    RedisClient client = RedisClient.create(uri);
    RedisRateLimiter.Builder builder =
        RedisRateLimiter.builder(client)
            .limit(Limit.of("api", rate, SECOND).burst(burst))
            .deadline(DEADLINE);
    RateLimiter limiter = (leasing ? builder.lease("api", SECOND) : builder).build();
    return new Contender() {
      @Override
      public boolean take(String subject) {
        return limiter.tryAcquire("api", subject).allowed();
      }

      @Override
      public CompletionStage<Boolean> takeAsync(String subject) {
        return limiter.tryAcquireAsync("api", subject).thenApply(Decision::allowed);
      }

      @Override
      public void close() {
        limiter.close();
        client.shutdown();
      }
    };
  }

  /** One command on one connection of Lettuce. */
  private static Contender command(
      String uri,
      Function<StatefulRedisConnection<String, String>, Function<String, CompletionStage<Boolean>>>
          prepare) {
    RedisClient client = RedisClient.create(uri);
    StatefulRedisConnection<String, String> connection = client.connect();
    Function<String, CompletionStage<Boolean>> command = prepare.apply(connection);
    return new Contender() {
      @Override
      public boolean take(String subject) throws Exception {
        return command.apply(subject).toCompletableFuture().get(1, TimeUnit.MINUTES);
      }

      @Override
      public CompletionStage<Boolean> takeAsync(String subject) {
        return command.apply(subject);
      }

      @Override
      public void close() {
        client.shutdown();
      }
    };
  }

  private static Contender evalsha(String uri, long rate, long burst) {
    String[] arguments = {Long.toString(rate), Long.toString(burst)};
    return command(
        uri,
        redis -> {
          String sha = redis.sync().scriptLoad(SCRIPT);
          return subject ->
              redis
                  .async()
                  .<Long>evalsha(
                      sha, ScriptOutputType.INTEGER, new String[] {"raw:" + subject}, arguments)
                  .thenApply(allowed -> allowed == 1);
        });
  }

  private static Contender ping(String uri) {
    return command(uri, redis -> subject -> redis.async().ping().thenApply(pong -> true));
  }

  private static Contender bucket4j(String uri, long rate, long burst, boolean batching) {
    RedisClient client = RedisClient.create(uri);
    ProxyManager<String> manager =
        Bucket4jLettuce.casBasedBuilder(
                client.connect(RedisCodec.of(StringCodec.UTF8, ByteArrayCodec.INSTANCE)))
            .expirationAfterWrite(
                ExpirationAfterWriteStrategy.basedOnTimeForRefillingBucketUpToMax(SECOND))
            .build();
    BucketConfiguration configuration =
        BucketConfiguration.builder()
            .addLimit(Bandwidth.builder().capacity(burst).refillGreedy(rate, SECOND).build())
            .build();
    // What is batched is batched within one object, which has to be kept.
    Map<String, BucketProxy> blocking = new ConcurrentHashMap<>();
    Map<String, AsyncBucketProxy> asynchronous = new ConcurrentHashMap<>();
    return new Contender() {
      @Override
      public boolean take(String subject) {
        return blocking
            .computeIfAbsent(
                subject,
                key -> {
                  RemoteBucketBuilder<String> builder = manager.builder();
                  return (batching ? builder.withOptimization(Optimizations.batching()) : builder)
                      .build("b4j:" + key, () -> configuration);
                })
            .tryConsume(1);
      }

      @Override
      public CompletionStage<Boolean> takeAsync(String subject) {
        return asynchronous
            .computeIfAbsent(
                subject,
                key -> {
                  RemoteAsyncBucketBuilder<String> builder = manager.asAsync().builder();
                  return (batching ? builder.withOptimization(Optimizations.batching()) : builder)
                      .build("b4j:" + key, () -> CompletableFuture.completedFuture(configuration));
                })
            .tryConsume(1);
      }

      @Override
      public void close() {
        client.shutdown();
      }
    };
  }

  private static Contender redisson(String uri, long rate) {
    Config config = new Config();
    config.useSingleServer().setAddress(uri);
    RedissonClient client = Redisson.create(config);
    Map<String, RRateLimiter> limiters = new ConcurrentHashMap<>();
    Function<String, RRateLimiter> limiter =
        subject ->
            limiters.computeIfAbsent(
                subject,
                key -> {
                  RRateLimiter made = client.getRateLimiter("redisson:" + key);
                  made.trySetRate(RateType.OVERALL, rate, SECOND, Duration.ofSeconds(60));
                  return made;
                });
    return new Contender() {
      @Override
      public boolean take(String subject) {
        return limiter.apply(subject).tryAcquire();
      }

      @Override
      public CompletionStage<Boolean> takeAsync(String subject) {
        return limiter.apply(subject).tryAcquireAsync();
      }

      @Override
      public void close() {
        client.shutdown();
      }
    };
  }
}
