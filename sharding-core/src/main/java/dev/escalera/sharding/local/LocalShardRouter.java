package dev.escalera.sharding.local;

import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.internal.Router;
import dev.escalera.sharding.internal.Settings;
import dev.escalera.sharding.internal.Targets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

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
  public static final class Builder {
    private final List<ShardedCollection> collections = new ArrayList<>();
    private Settings settings = Settings.named("LocalShardRouter");

    private Builder() {}

    /**
     * Adds a collection.
     *
     * @param collection one of a name that was not given yet
     * @return this builder
     */
    public Builder collection(ShardedCollection collection) {
      collections.add(Objects.requireNonNull(collection, "collection"));
      return this;
    }

    /**
     * Sets how long a cursor is good; a day by default, one of a snapshot an hour at most.
     *
     * @param life from 1 s to 30 days
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder cursorLife(Duration life) {
      settings = settings.withCursorLife(life);
      return this;
    }

    Builder clock(InstantSource clock) {
      settings = settings.withClock(clock);
      return this;
    }

    /**
     * Builds the router.
     *
     * @return a router
     * @throws IllegalStateException if no collection was given, or two of one name
     */
    public ShardRouter build() {
      Moments moments = new Moments(settings.clock());
      Targets targets =
          new Targets(new LocalCatalog(moments), Map.of(Targets.MAIN, new LocalBuckets(moments)));
      return new Router(settings, collections, targets);
    }
  }
}
