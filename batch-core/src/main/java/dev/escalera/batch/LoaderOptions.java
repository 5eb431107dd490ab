package dev.escalera.batch;

import java.time.Duration;
import java.util.concurrent.Executor;

/**
 * The options that all loaders have, as their builders made them. Immutable; see {@link
 * BatchLoaderBuilder} for what each means.
 *
 * @param maxBatchSize keys a call
 * @param maxConcurrentBatches calls under way
 * @param maxPending keys that wait
 * @param linger how long a key waits for others
 * @param callbacks what completes the futures
 */
public record LoaderOptions(
    int maxBatchSize,
    int maxConcurrentBatches,
    int maxPending,
    Duration linger,
    Executor callbacks) {}
