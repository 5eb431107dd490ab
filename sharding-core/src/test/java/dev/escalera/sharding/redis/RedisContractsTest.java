package dev.escalera.sharding.redis;

import dev.escalera.sharding.BadInputContract;
import dev.escalera.sharding.ConditionsContract;
import dev.escalera.sharding.CostsContract;
import dev.escalera.sharding.DocumentsContract;
import dev.escalera.sharding.MovesContract;
import dev.escalera.sharding.PagesContract;
import dev.escalera.sharding.ShardRouterBuilder;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import java.time.InstantSource;
import org.junit.jupiter.api.Nested;

/** The contracts of routers, on one server. */
@WithRedis
class RedisContractsTest {
  private final RedisClient client;

  RedisContractsTest(RedisClient client) {
    this.client = client;
  }

  private RedisShardRouter.Builder router(InstantSource clock) {
    return RedisShardRouter.builder(client).clock(clock);
  }

  @Nested
  class Documents extends DocumentsContract {
    @Override
    protected ShardRouterBuilder<?> builder(InstantSource clock) {
      return router(clock);
    }
  }

  @Nested
  class Moves extends MovesContract {
    @Override
    protected ShardRouterBuilder<?> builder(InstantSource clock) {
      return router(clock);
    }
  }

  @Nested
  class BadInput extends BadInputContract {
    @Override
    protected ShardRouterBuilder<?> builder(InstantSource clock) {
      return router(clock);
    }
  }

  @Nested
  class Conditions extends ConditionsContract {
    @Override
    protected ShardRouterBuilder<?> builder(InstantSource clock) {
      return router(clock);
    }
  }

  @Nested
  class Pages extends PagesContract {
    @Override
    protected ShardRouterBuilder<?> builder(InstantSource clock) {
      return router(clock);
    }

    @Override
    protected boolean hasSnapshots() {
      return false;
    }
  }

  @Nested
  class Costs extends CostsContract {
    @Override
    protected ShardRouterBuilder<?> builder(InstantSource clock) {
      return router(clock);
    }
  }
}
