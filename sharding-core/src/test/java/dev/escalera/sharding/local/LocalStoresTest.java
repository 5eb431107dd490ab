package dev.escalera.sharding.local;

import dev.escalera.sharding.internal.FenceContract;
import dev.escalera.sharding.internal.StoreContract.Stores;
import dev.escalera.sharding.internal.TargetsContract;
import java.time.InstantSource;
import org.junit.jupiter.api.Nested;

/** The contracts of stores, in this process. */
class LocalStoresTest {
  private static final int RACES = 200;

  private final Moments moments = new Moments(InstantSource.system());
  private final Stores stores =
      new Stores(
          new LocalBuckets(moments), new LocalBuckets(moments), new LocalCatalog(moments), RACES);

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
