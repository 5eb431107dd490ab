/**
 * Bulk writes that end, in order by key, in bounded memory, with one true result an operation.
 *
 * <p>{@link dev.escalera.batch.BatchExecutor} is the entry point. It gathers operations into
 * batches of up to 500, sends some batches at a time, retries what is safe to retry and says of
 * each operation what became of it.
 *
 * <pre>{@code
 * BatchExecutor<DocumentWrite> executor = FirestoreBatchExecutor.builder(firestore).build();
 *
 * executor.submit(DocumentWrite.update("messages", id, Map.of("status", "read")))
 *     .thenAccept(result -> log(result.status()));
 *
 * BatchRun run = executor.execute(writes.iterator(), RunOptions.named("mark-read"));
 * BatchReport report = run.join();
 * }</pre>
 *
 * <p>{@code firestore.FirestoreBatchExecutor} and {@code redis.RedisBatchExecutor} write a {@link
 * dev.escalera.batch.DocumentWrite}; {@code local.LocalBatchExecutor} batches anything into a
 * function of the host's.
 */
@NullMarked
package dev.escalera.batch;

import org.jspecify.annotations.NullMarked;
