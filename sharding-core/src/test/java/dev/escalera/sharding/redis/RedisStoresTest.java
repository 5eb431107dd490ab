package dev.escalera.sharding.redis;

import dev.escalera.sharding.internal.FenceContract;
import dev.escalera.sharding.internal.StoreContract.Stores;
import dev.escalera.sharding.internal.TargetsContract;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;

/** The contracts of stores, on two servers. */
@WithRedis
class RedisStoresTest {
  private static final int RACES = 60;
  private static RedisServer secondServer;
  private static RedisClient secondClient;

  private final Route first;
  private final Route second;
  private final Stores stores;

  RedisStoresTest(RedisClient client) {
    this.first = Route.to(new RedisLink(client, "first", Duration.ofSeconds(20), 20_000));
    this.second = Route.to(new RedisLink(secondClient, "second", Duration.ofSeconds(20), 20_000));
    this.stores =
        new Stores(
            new RedisBuckets(first), new RedisBuckets(second), new RedisCatalog(first), RACES);
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

  @Nested
  class Fences extends FenceContract {
    @Override
    protected Stores stores() {
      return stores;
    }
  }

  @Nested
  class Targets extends TargetsContract {
    @Override
    protected Stores stores() {
      return stores;
    }
  }
}
