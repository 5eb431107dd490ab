package dev.escalera.benchmarks.batch;

import dev.escalera.testkit.RedisServer;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.AsyncCommand;
import io.lettuce.core.protocol.Command;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.protocol.RedisCommand;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import org.redisson.Redisson;
import org.redisson.api.RBatch;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.Config;

/** SETs by other ways, ten batches of 500 in flight where there are batches. */
final class RawRedis {
  static final String VALUE = "x".repeat(64);

  private static final int BATCH = 500;
  private static final int IN_FLIGHT = 10;

  private RawRedis() {}

  static void dispatch(RedisServer server, RedisClient client) throws InterruptedException {
    Semaphore permits = new Semaphore(IN_FLIGHT);
    try (StatefulRedisConnection<String, String> redis = client.connect()) {
      for (int from = 0; from < BatchBars.SETS; from += BATCH) {
        permits.acquire();
        List<RedisCommand<String, String, ?>> commands = new ArrayList<>(BATCH);
        CompletableFuture<?>[] results = new CompletableFuture<?>[BATCH];
        for (int i = 0; i < BATCH; i++) {
          AsyncCommand<String, String, String> command = set("key-" + (from + i));
          commands.add(command);
          results[i] = command.toCompletableFuture();
        }
        redis.dispatch(commands);
        CompletableFuture.allOf(results).whenComplete((all, failure) -> permits.release());
      }
      permits.acquire(IN_FLIGHT);
    }
  }

  static void autoFlush(RedisServer server, RedisClient client) throws Exception {
    Semaphore permits = new Semaphore(BATCH * IN_FLIGHT);
    try (StatefulRedisConnection<String, String> redis = client.connect()) {
      for (int i = 0; i < BatchBars.SETS; i++) {
        permits.acquire();
        RedisFuture<String> set = redis.async().set("key-" + i, VALUE);
        set.whenComplete((ok, failure) -> permits.release());
      }
      permits.acquire(BATCH * IN_FLIGHT);
    }
  }

  static void redisson(RedisServer server, RedisClient client) throws Exception {
    Config config = new Config();
    config.useSingleServer().setAddress(server.uri());
    RedissonClient redisson = Redisson.create(config);
    Semaphore permits = new Semaphore(IN_FLIGHT);
    try {
      for (int from = 0; from < BatchBars.SETS; from += BATCH) {
        permits.acquire();
        RBatch batch = redisson.createBatch();
        for (int i = from; i < from + BATCH; i++) {
          batch.getBucket("key-" + i, StringCodec.INSTANCE).setAsync(VALUE);
        }
        batch.executeAsync().whenComplete((done, failure) -> permits.release());
      }
      permits.acquire(IN_FLIGHT);
    } finally {
      redisson.shutdown();
    }
  }

  private static AsyncCommand<String, String, String> set(String key) {
    return new AsyncCommand<>(
        new Command<>(
            CommandType.SET,
            new StatusOutput<>(io.lettuce.core.codec.StringCodec.UTF8),
            new CommandArgs<>(io.lettuce.core.codec.StringCodec.UTF8).addKey(key).addValue(VALUE)));
  }
}
