package dev.escalera.sharding.local;

import dev.escalera.sharding.internal.BucketStore;
import dev.escalera.sharding.internal.CatalogStore;
import dev.escalera.sharding.internal.FenceContract;
import java.time.InstantSource;

class LocalFenceTest extends FenceContract {
  private final Moments moments = new Moments(InstantSource.system());
  private final LocalBuckets source = new LocalBuckets(moments);
  private final LocalBuckets destination = new LocalBuckets(moments);
  private final LocalCatalog catalog = new LocalCatalog(moments);

  @Override
  protected BucketStore source() {
    return source;
  }

  @Override
  protected BucketStore destination() {
    return destination;
  }

  @Override
  protected CatalogStore catalog() {
    return catalog;
  }

  @Override
  protected int races() {
    return 200;
  }
}
