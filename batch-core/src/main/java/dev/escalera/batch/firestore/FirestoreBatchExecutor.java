package dev.escalera.batch.firestore;

import com.google.cloud.firestore.Firestore;
import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.WhenFull;
import dev.escalera.batch.internal.Engine;
import dev.escalera.batch.internal.Settings;
import java.time.Duration;
import java.util.Objects;

/**
 * Writes documents in batches to Firestore, by BatchWrite: each write is atomic and has a status of
 * its own, the batch is not.
 *
 * <p>An answer that is lost is an unknown outcome: set, merge, update and delete are then sent
 * again, create and increment are not and are reported as UNKNOWN. The document's next write waits
 * for {@link Builder#unknownHold} after the loss, so that what may still be on its way cannot
 * overwrite it. A write of over 1 MiB fails by itself, unsent.
 */
public final class FirestoreBatchExecutor {
  private static final long MAX_BATCH_BYTES = 9_500_000;

  private FirestoreBatchExecutor() {}

  /**
   * Starts an executor on Firestore.
   *
   * @param firestore the host's client; the executor opens a channel of its own with its options
   *     and closes no other
   * @return a builder
   */
  public static Builder builder(Firestore firestore) {
    return new Builder(firestore);
  }

  /** Builds a {@link BatchExecutor} on Firestore. Not safe for use by several threads. */
  public static final class Builder {
    private final Firestore firestore;
    private final Settings settings = new Settings();
    private Duration deadline = Duration.ofSeconds(10);

    private Builder(Firestore firestore) {
      this.firestore = Objects.requireNonNull(firestore, "firestore");
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
     * Builds the executor; Firestore is not called before the first batch.
     *
     * @return an executor, to be closed
     */
    public BatchExecutor<DocumentWrite> build() {
      return new Engine<>(
          "FirestoreBatchExecutor",
          settings,
          new FirestoreTransport(firestore, deadline),
          MAX_BATCH_BYTES);
    }
  }
}
