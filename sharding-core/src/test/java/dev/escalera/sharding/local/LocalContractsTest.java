package dev.escalera.sharding.local;

import dev.escalera.sharding.BadInputContract;
import dev.escalera.sharding.ConditionsContract;
import dev.escalera.sharding.CostsContract;
import dev.escalera.sharding.DocumentsContract;
import dev.escalera.sharding.MovesContract;
import dev.escalera.sharding.PagesContract;
import dev.escalera.sharding.ShardRouterBuilder;
import java.time.InstantSource;
import org.junit.jupiter.api.Nested;

/** The contracts of routers, in this process. */
class LocalContractsTest {
  private LocalShardRouter.Builder router(InstantSource clock) {
    return LocalShardRouter.builder().clock(clock);
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

    @Override
    protected boolean isShared() {
      return false;
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
      return true;
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
