package dev.escalera.sharding.redis;

import dev.escalera.sharding.internal.BucketStore;
import dev.escalera.sharding.internal.CatalogStore;
import dev.escalera.sharding.internal.FenceContract;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;

@WithRedis
class RedisFenceTest extends FenceContract {
  private static RedisServer secondServer;
  private static RedisClient secondClient;

  private final Route first;
  private final Route second;

  RedisFenceTest(RedisClient client) {
    this.first = Route.to(new RedisLink(client, "first", Duration.ofSeconds(20), 20_000));
    this.second = Route.to(new RedisLink(secondClient, "second", Duration.ofSeconds(20), 20_000));
  }

  @BeforeAll
  static void start() {
    secondServer = RedisServer.start();
    secondClient = RedisClient.create(secondServer.uri());
  }

  @AfterAll
  static void stop() {
    secondClient.shutdown();
    secondServer.close();
  }

  @AfterEach
  void close() {
    first.close();
    second.close();
  }

  @Override
  protected BucketStore source() {
    return new RedisBuckets(first);
  }

  @Override
  protected BucketStore destination() {
    return new RedisBuckets(second);
  }

  @Override
  protected CatalogStore catalog() {
    return new RedisCatalog(first);
  }

  @Override
  protected int races() {
    return 60;
  }
}
