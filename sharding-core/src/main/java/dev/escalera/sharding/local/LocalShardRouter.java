package dev.escalera.sharding.local;

import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.internal.Router;
import java.util.ArrayList;
import java.util.List;
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
     * Builds the router.
     *
     * @return a router
     * @throws IllegalStateException if no collection was given, or two of one name
     */
    public ShardRouter build() {
      return new Router("LocalShardRouter", collections, new LocalBuckets());
    }
  }
}
