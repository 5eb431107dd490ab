package dev.escalera.batch.redis;

import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.WhenFull;
import dev.escalera.batch.internal.Engine;
import dev.escalera.batch.internal.Settings;
import io.lettuce.core.RedisClient;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes documents in batches to Redis, each as a hash, by one pipeline a batch. Each write is
 * atomic, the batch is not.
 *
 * <p>An answer that is lost is an unknown outcome: set, merge, update and delete are then sent
 * again, create and increment are not and are reported as UNKNOWN. The document's next write waits
 * for {@link Builder#unknownHold} after the loss, so that what may still be on its way cannot
 * overwrite it.
 */
public final class RedisBatchExecutor {
  private static final long MAX_BATCH_BYTES = 9_500_000;

  private RedisBatchExecutor() {}

  /**
   * Starts an executor on Redis.
   *
   * @param client the host's client; the executor opens a connection of its own on it and closes no
   *     other
   * @return a builder
   */
  public static Builder builder(RedisClient client) {
    return new Builder(client);
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

  /** Builds a {@link BatchExecutor} on Redis. Not safe for use by several threads. */
  public static final class Builder {
    private final RedisClient client;
    private final Settings settings = new Settings();
    private Duration deadline = Duration.ofSeconds(10);

    private Builder(RedisClient client) {
      this.client = Objects.requireNonNull(client, "client");
    }

    /**
     * Sets how many operations a batch has at most; 500 by default.
     *
     * @param maxBatchSize from 1 to 500
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder maxBatchSize(int maxBatchSize) {
      settings.maxBatchSize(maxBatchSize);
      return this;
    }

    /**
     * Sets how many batches are in flight at most; 10 by default.
     *
     * @param maxConcurrentBatches from 1 to 1,000
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder maxConcurrentBatches(int maxConcurrentBatches) {
      settings.maxConcurrentBatches(maxConcurrentBatches);
      return this;
    }

    /**
     * Sets how long an operation waits at most for others to fill its batch; 5 ms by default.
     *
     * @param linger from zero to an hour
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder linger(Duration linger) {
      settings.linger(linger);
      return this;
    }

    /**
     * Sets how many operations wait or are in flight at most; 20,000 by default.
     *
     * @param maxPending at least 1
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder maxPending(int maxPending) {
      settings.maxPending(maxPending);
      return this;
    }

    /**
     * Sets how many bytes wait or are in flight at most; 64 MiB by default.
     *
     * @param maxPendingBytes at least 1
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder maxPendingBytes(long maxPendingBytes) {
      settings.maxPendingBytes(maxPendingBytes);
      return this;
    }

    /**
     * Sets what happens when as many wait; {@link WhenFull#BLOCK} by default.
     *
     * @param whenFull what to do
     * @return this builder
     */
    public Builder whenFull(WhenFull whenFull) {
      settings.whenFull(whenFull);
      return this;
    }

    /**
     * Sets how often an operation is sent again at most; 3 times by default.
     *
     * @param maxRetries from 0 to 100
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder maxRetries(int maxRetries) {
      settings.maxRetries(maxRetries);
      return this;
    }

    /**
     * Sets how long a retry waits: at random up to {@code first}, doubled with each, at most {@code
     * last}; 1 s and 30 s by default.
     *
     * @param first from 1 ms to an hour
     * @param last from {@code first} to an hour
     * @return this builder
     * @throws IllegalArgumentException if a value is out of range
     */
    public Builder backoff(Duration first, Duration last) {
      settings.backoff(first, last);
      return this;
    }

    /**
     * Sets how long the next write of a document waits after an outcome became unknown; 10 s by
     * default. It is an assumption of how long a lost request can still arrive.
     *
     * @param unknownHold from zero to an hour
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder unknownHold(Duration unknownHold) {
      settings.unknownHold(unknownHold);
      return this;
    }

    /**
     * Sets how long a call may take before its outcome is unknown; 10 s by default.
     *
     * @param deadline from 1 ms to an hour
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder deadline(Duration deadline) {
      this.deadline = Settings.deadline(deadline);
      return this;
    }

    /**
     * Builds the executor; waits for a connection, 2 s at most, and goes on without one.
     *
     * @return an executor, to be closed
     */
    public BatchExecutor<DocumentWrite> build() {
      return new Engine<>(
          "RedisBatchExecutor", settings, new RedisTransport(client, deadline), MAX_BATCH_BYTES);
    }
  }
}
