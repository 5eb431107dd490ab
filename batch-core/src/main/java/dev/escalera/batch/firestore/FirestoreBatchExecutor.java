package dev.escalera.batch.firestore;

import com.google.cloud.firestore.Firestore;
import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.BatchExecutorBuilder;
import dev.escalera.batch.BatchOptions;
import dev.escalera.batch.CheckpointStore;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.internal.Engine;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Objects;

/**
 * Writes documents in batches to Firestore, by BatchWrite: each write is atomic and has a status of
 * its own, the batch is not. Writes with an idempotency key go by Commit, each with a ledger
 * document.
 *
 * <p>An answer that is lost is an unknown outcome: what is safe to repeat is sent again, the rest
 * is reported as UNKNOWN. The document's next write waits for {@link Builder#unknownHold} after the
 * loss, so that what may still be on its way cannot overwrite it. A write of over 1 MiB fails by
 * itself, unsent.
 */
public final class FirestoreBatchExecutor {
  private static final long MAX_BATCH_BYTES = 9_500_000;
  private static final Duration CHECKPOINT_DEADLINE = Duration.ofSeconds(10);

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

  /**
   * Returns a store that keeps checkpoints in the collection {@code escalera_checkpoints}.
   *
   * @param firestore the host's client
   * @return a store
   */
  public static CheckpointStore checkpoints(Firestore firestore) {
    return new FirestoreCheckpoints(
        Objects.requireNonNull(firestore, "firestore"), CHECKPOINT_DEADLINE);
  }

  /** Builds a {@link BatchExecutor} on Firestore. Not safe for use by several threads. */
  public static final class Builder extends BatchExecutorBuilder<Builder> {
    private final Firestore firestore;
    private Duration deadline = Duration.ofSeconds(10);
    private Duration idempotencyTtl = Duration.ofHours(24);
    private String ledgerCollection = "escalera_ledger";

    private Builder(Firestore firestore) {
      super("FirestoreBatchExecutor", Duration.ofSeconds(10));
      this.firestore = Objects.requireNonNull(firestore, "firestore");
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
     * Sets how long an idempotency key holds: the {@code expireAt} of its ledger document, which
     * Firestore's TTL policy of that field removes some time later; 24 h by default.
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
     * Sets the collection of the ledger documents; {@code escalera_ledger} by default.
     *
     * @param ledgerCollection the name of a collection
     * @return this builder
     * @throws IllegalArgumentException if Firestore would not take the name
     */
    public Builder ledgerCollection(String ledgerCollection) {
      DocumentWrite.delete(ledgerCollection, "a");
      this.ledgerCollection = ledgerCollection;
      return this;
    }

    /**
     * Builds the executor.
     *
     * @return an executor, to be closed
     */
    public BatchExecutor<DocumentWrite> build() {
      BatchOptions options = options();
      FirestoreCalls calls = new FirestoreCalls(options.name(), firestore.getOptions(), deadline);
      return new Engine<>(
          options,
          new FirestoreTransport(
              firestore, calls, ledgerCollection, idempotencyTtl, InstantSource.system()),
          MAX_BATCH_BYTES);
    }

    @Override
    protected Builder self() {
      return this;
    }
  }
}
