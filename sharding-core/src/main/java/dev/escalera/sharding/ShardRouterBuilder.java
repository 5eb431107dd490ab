package dev.escalera.sharding;

import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the builders of all routers have in common. Not safe for use by several threads.
 *
 * @param <B> the builder itself
 */
public abstract class ShardRouterBuilder<B extends ShardRouterBuilder<B>> {
  private final List<ShardedCollection> collections = new ArrayList<>();
  private Duration cursorLife = Duration.ofDays(1);
  private @Nullable MeterRegistry meterRegistry;

  /** Makes a builder without collections. */
  protected ShardRouterBuilder() {}

  /**
   * Adds a collection.
   *
   * @param collection one of a name that was not given yet
   * @return this builder
   */
  public final B collection(ShardedCollection collection) {
    collections.add(Objects.requireNonNull(collection, "collection"));
    return self();
  }

  /**
   * Sets how long a cursor is good; a day by default, and at most an hour for the pages of a query
   * {@linkplain ShardQuery#asOfNow() as of now}.
   *
   * @param life from 1 s to 30 days
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public final B cursorLife(Duration life) {
    if (life.compareTo(Duration.ofSeconds(1)) < 0 || life.compareTo(Duration.ofDays(30)) > 0) {
      throw new IllegalArgumentException("cursorLife is " + life + ", expected 1 s to 30 days");
    }
    cursorLife = life;
    return self();
  }

  /**
   * Sets where the figures of {@link ShardRouter#stats()} go, as meters {@code escalera.shard.*};
   * nowhere by default.
   *
   * @param registry of the host
   * @return this builder
   */
  public final B meterRegistry(MeterRegistry registry) {
    meterRegistry = Objects.requireNonNull(registry, "registry");
    return self();
  }

  /**
   * Builds the router.
   *
   * @return a router, to be closed
   * @throws IllegalStateException if no collection was given, or two of one name
   */
  public abstract ShardRouter build();

  /**
   * Returns this builder.
   *
   * @return this
   */
  protected abstract B self();

  /**
   * Returns what was given.
   *
   * @return the collections
   */
  protected final List<ShardedCollection> collections() {
    return List.copyOf(collections);
  }

  /**
   * Returns what was given, or a day.
   *
   * @return how long a cursor is good
   */
  protected final Duration cursorLife() {
    return cursorLife;
  }

  /**
   * Returns what was given.
   *
   * @return where meters go; empty for nowhere
   */
  protected final Optional<MeterRegistry> meterRegistry() {
    return Optional.ofNullable(meterRegistry);
  }
}
