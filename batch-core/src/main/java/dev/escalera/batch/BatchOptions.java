package dev.escalera.batch;

import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executor;

/**
 * The options that all executors have, as their builders made them. Immutable; see {@link
 * BatchExecutorBuilder} for what each means.
 *
 * @param name names the executor in messages and meters
 * @param maxBatchSize operations a batch
 * @param maxConcurrentBatches batches in flight
 * @param linger how long an operation waits for others
 * @param maxPending operations that wait or are in flight
 * @param maxPendingBytes bytes of these
 * @param whenFull what a submission does when there is no room
 * @param maxWait how long it waits for room at most
 * @param maxRetries how often an operation is sent again
 * @param firstBackoff the longest wait before the first retry
 * @param lastBackoff the longest wait before any retry
 * @param patience how long an operation is sent again to a store that says that it is overloaded
 * @param unknownHold how long a lost request is thought to be able to arrive late
 * @param adaptiveRate whether the rate follows what the store takes
 * @param rampUp how the rate grows at first, if it is bounded
 * @param meterRegistry where the meters are, if anywhere
 * @param callbacks what completes the host's stages
 */
public record BatchOptions(
    String name,
    int maxBatchSize,
    int maxConcurrentBatches,
    Duration linger,
    int maxPending,
    long maxPendingBytes,
    WhenFull whenFull,
    Duration maxWait,
    int maxRetries,
    Duration firstBackoff,
    Duration lastBackoff,
    Duration patience,
    Duration unknownHold,
    boolean adaptiveRate,
    Optional<RampUp> rampUp,
    Optional<MeterRegistry> meterRegistry,
    Executor callbacks) {}
