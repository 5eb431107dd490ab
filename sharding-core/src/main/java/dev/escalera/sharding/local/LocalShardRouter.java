package dev.escalera.sharding.local;

import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardRouterBuilder;
import dev.escalera.sharding.internal.Router;
import dev.escalera.sharding.internal.Settings;
import dev.escalera.sharding.internal.Targets;
import java.time.InstantSource;
import java.util.Map;

/**
 * A router whose partitions are in the memory of this process: for tests, and for data that may be
 * lost.
 */
public final class LocalShardRouter {
  private LocalShardRouter() {}

  /**
   * Starts a router in this process.
   *
   * @return a builder that wants at least one collection
   */
  public static Builder builder() {
    return new Builder();
  }

  /** Builds a {@link ShardRouter} in this process. Not safe for use by several threads. */
  public static final class Builder extends ShardRouterBuilder<Builder> {
    private InstantSource clock = InstantSource.system();

    private Builder() {}

    Builder clock(InstantSource clock) {
      this.clock = clock;
      return this;
    }

    @Override
    public ShardRouter build() {
      Moments moments = new Moments(clock);
      Targets targets =
          new Targets(new LocalCatalog(moments), Map.of(Targets.MAIN, new LocalBuckets(moments)));
      return new Router(settings(), collections(), targets);
    }

    @Override
    protected Builder self() {
      return this;
    }

    private Settings settings() {
      return new Settings("LocalShardRouter", clock, cursorLife(), meterRegistry());
    }
  }
}
