package dev.escalera.sharding.firestore;

import com.google.cloud.firestore.Firestore;
import dev.escalera.sharding.BadInputContract;
import dev.escalera.sharding.ConditionsContract;
import dev.escalera.sharding.CostsContract;
import dev.escalera.sharding.DocumentsContract;
import dev.escalera.sharding.MovesContract;
import dev.escalera.sharding.PagesContract;
import dev.escalera.sharding.ShardRouterBuilder;
import dev.escalera.testkit.WithFirestore;
import java.time.InstantSource;
import org.junit.jupiter.api.Nested;

/** The contracts of routers, on one database. */
@WithFirestore
class FirestoreContractsTest {
  private final Firestore firestore;

  FirestoreContractsTest(Firestore firestore) {
    this.firestore = firestore;
  }

  private FirestoreShardRouter.Builder router(InstantSource clock) {
    return FirestoreShardRouter.builder(firestore).clock(clock);
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
