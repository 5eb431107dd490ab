package dev.escalera.batch.redis;

import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.BatchExecutorBuilder;
import dev.escalera.batch.BatchOptions;
import dev.escalera.batch.CheckpointStore;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.internal.Engine;
import io.lettuce.core.RedisClient;
import io.lettuce.core.cluster.RedisClusterClient;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Writes in batches to Redis, by one pipeline a batch: documents, each as a hash, or native
 * commands. Each write is atomic, the batch is not.
 *
 * <p>An answer that is lost is an unknown outcome: what is safe to repeat is sent again, the rest
 * is reported as UNKNOWN. The next write of the document waits until the lost one cannot arrive any
 * more: until {@code CLIENT KILL} of its connection, where the user may do that, else for {@link
 * Builder#unknownHold}.
 */
public final class RedisBatchExecutor {
  private static final long MAX_BATCH_BYTES = 9_500_000;
  private static final int MAX_CALLS = 1_000;
  private static final Duration CHECKPOINT_DEADLINE = Duration.ofSeconds(10);

  private RedisBatchExecutor() {}

  /**
   * Starts an executor on Redis.
   *
   * @param client the host's client; the executor opens a connection of its own on it and closes no
   *     other
   * @return a builder
   */
  public static Builder builder(RedisClient client) {
    Objects.requireNonNull(client, "client");
    return new Builder(
        settings -> {
          RedisLink link =
              new RedisLink(client, settings.options.name(), settings.deadline, MAX_CALLS);
          return Route.to(new Route.Server(link, new Fences(link, () -> false)));
        });
  }

  /**
   * Starts an executor on a cluster.
   *
   * @param client the host's client, of which the executor takes the topology, the threads and the
   *     addresses; it opens a connection of its own to each server that it writes to
   * @return a builder
   */
  public static Builder builder(RedisClusterClient client) {
    Objects.requireNonNull(client, "client");
    return new Builder(
        settings ->
            new ClusterRoute(client, settings.options.name(), settings.deadline, MAX_CALLS));
  }

  /**
   * Returns the key of the hash that holds a document.
   *
   * @param collection that the document is in
   * @param id of the document
   * @return such as {@code escalera:doc:{messages:m1}}
   */
  public static String key(String collection, String id) {
    return "escalera:doc:{" + Keys.escape(collection) + ":" + Keys.escape(id) + "}";
  }

  /**
   * Returns the fields of a document from its hash.
   *
   * @param hash what HGETALL gives
   * @return the fields, as they were written
   * @throws IllegalArgumentException if a value was not written by this executor
   */
  public static Map<String, @Nullable Object> decode(Map<String, String> hash) {
    return HashValues.decode(hash);
  }

  /**
   * Returns a store that keeps checkpoints in Redis, as durable as Redis is.
   *
   * @param client the host's client; the store opens a connection of its own on it and closes no
   *     other
   * @return a store, to be closed
   */
  public static CheckpointStore checkpoints(RedisClient client) {
    return new RedisCheckpoints(Objects.requireNonNull(client, "client"), CHECKPOINT_DEADLINE);
  }

  /** What a route is made of. */
  private record RouteSettings(BatchOptions options, Duration deadline) {}

  /** Builds a {@link BatchExecutor} on Redis. Not safe for use by several threads. */
  public static final class Builder extends BatchExecutorBuilder<Builder> {
    private final Function<RouteSettings, Route> route;
    private Duration deadline = Duration.ofSeconds(10);
    private Duration idempotencyTtl = Duration.ofHours(24);

    private Builder(Function<RouteSettings, Route> route) {
      super("RedisBatchExecutor", Duration.ofSeconds(10));
      this.route = route;
    }

    /**
     * Sets how long a call may take before its outcome is unknown; 10 s by default.
     *
     * @param deadline from 1 ms to an hour
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder deadline(Duration deadline) {
      this.deadline = inRange("deadline", deadline, Duration.ofMillis(1), Duration.ofHours(1));
      return this;
    }

    /**
     * Sets how long Redis remembers an idempotency key; 24 h by default.
     *
     * @param idempotencyTtl from a second to 365 days
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder idempotencyTtl(Duration idempotencyTtl) {
      this.idempotencyTtl =
          inRange("idempotencyTtl", idempotencyTtl, Duration.ofSeconds(1), Duration.ofDays(365));
      return this;
    }

    /**
     * Builds an executor of documents; waits for a connection, 2 s at most, and goes on without
     * one.
     *
     * @return an executor, to be closed
     */
    public BatchExecutor<DocumentWrite> build() {
      BatchOptions options = options();
      Route opened = route.apply(new RouteSettings(options, deadline));
      return new Engine<>(options, new DocumentTransport(opened, idempotencyTtl), MAX_BATCH_BYTES);
    }

    /**
     * Builds an executor of native commands; waits for a connection as {@link #build}.
     *
     * @return an executor, to be closed
     */
    public BatchExecutor<RedisWrite> buildNative() {
      BatchOptions options = options();
      Route opened = route.apply(new RouteSettings(options, deadline));
      return new Engine<>(options, new NativeTransport(opened, idempotencyTtl), MAX_BATCH_BYTES);
    }

    @Override
    protected Builder self() {
      return this;
    }
  }
}
