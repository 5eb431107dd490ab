package dev.escalera.batch.crash;

import com.google.cloud.firestore.FirestoreOptions;
import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.BatchReport;
import dev.escalera.batch.BatchRun;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.RunOptions;
import dev.escalera.batch.WriteResult;
import dev.escalera.batch.firestore.FirestoreBatchExecutor;
import dev.escalera.batch.local.LocalBatchExecutor;
import dev.escalera.batch.redis.RedisBatchExecutor;
import io.lettuce.core.RedisClient;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.stream.IntStream;

/** A process that writes, and is killed by a test while it does. */
final class CrashingWriter {
  static final int DOCUMENTS = 5;

  /** Of a run. */
  static final int COUNTERS = 700;

  private CrashingWriter() {}

  public static void main(String[] args) throws Exception {
    try (BatchExecutor<DocumentWrite> executor = open(args[0], args[1])) {
      if (args.length > 3) {
        resume(executor, args[2], Integer.parseInt(args[3]), Path.of(args[4]));
      } else {
        obey(executor, args[2]);
      }
    }
    // Threads of clients may go on for a while.
    System.exit(0);
  }

  /** Returns the writes of a run: counts in some documents, between others that are set. */
  static Iterator<DocumentWrite> writes(String collection, int count) {
    return IntStream.range(0, count)
        .mapToObj(
            i ->
                i % 3 == 0
                    ? DocumentWrite.set(collection, "s" + i % 1_000, Map.of("i", i))
                    : DocumentWrite.increment(collection, "r" + i % COUNTERS, "n", 1))
        .iterator();
  }

  private static BatchExecutor<DocumentWrite> open(String store, String address) {
    if (store.equals("redis")) {
      return RedisBatchExecutor.builder(RedisClient.create(address)).maxPending(2_000).build();
    }
    return FirestoreBatchExecutor.builder(
            FirestoreOptions.newBuilder()
                .setProjectId(store)
                .setEmulatorHost(address)
                .build()
                .getService())
        .maxPending(2_000)
        .build();
  }

  /** Writes the keyed increments of each number that it reads; says so before and after. */
  private static void obey(BatchExecutor<DocumentWrite> executor, String collection)
      throws IOException {
    executor.submit(DocumentWrite.set(collection, "warm", Map.of())).toCompletableFuture().join();
    System.out.println("ready");
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String number = in.readLine(); number != null; number = in.readLine()) {
      List<CompletionStage<WriteResult>> results = new ArrayList<>();
      for (int i = 0; i < DOCUMENTS; i++) {
        DocumentWrite write = DocumentWrite.increment(collection, "n" + i, "n", 1);
        results.add(executor.submit(write.withKey("event-" + number)));
      }
      executor.flush(Duration.ofMinutes(1));
      for (CompletionStage<WriteResult> result : results) {
        System.out.println(result.toCompletableFuture().join().status());
      }
    }
  }

  private static void resume(
      BatchExecutor<DocumentWrite> executor, String collection, int count, Path folder) {
    BatchRun run =
        executor.execute(
            writes(collection, count),
            RunOptions.named("run " + collection)
                .total(count)
                .checkpoint(LocalBatchExecutor.checkpoints(folder)));
    run.onProgress(Duration.ofMillis(20), progress -> System.out.println(progress.settled()));
    BatchReport report = run.join();
    System.out.println(
        "done "
            + report.progress().applied()
            + " "
            + report.progress().alreadyApplied()
            + " "
            + report.failures());
  }
}
