package dev.escalera.batch.crash;

import com.google.cloud.firestore.FirestoreOptions;
import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.BatchReport;
import dev.escalera.batch.BatchRun;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.RunOptions;
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
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/** A process that writes, and is killed by a test while it does. */
final class CrashingWriter {
  static final int DOCUMENTS = 5;

  /** Of a run. */
  static final int COUNTERS = 700;

  private CrashingWriter() {}

  /**
   * Writes until it is killed: {@code STORE resume ADDRESS COLLECTION COUNT FOLDER} goes through a
   * run, {@code STORE obey COLLECTION NAME ADDRESS…} what it reads, by executors of some names.
   */
  public static void main(String[] args) throws Exception {
    if (args[1].equals("resume")) {
      try (BatchExecutor<DocumentWrite> executor = open(args[0], args[2])) {
        resume(executor, args[3], Integer.parseInt(args[4]), Path.of(args[5]));
      }
    } else {
      Map<String, BatchExecutor<DocumentWrite>> executors = new LinkedHashMap<>();
      for (int i = 3; i < args.length; i += 2) {
        executors.put(args[i], open(args[0], args[i + 1]));
      }
      obey(executors, args[2]);
      executors.values().forEach(BatchExecutor::close);
    }
    // Threads of clients may go on for a while.
    System.exit(0);
  }

  /** Returns the id of a document that an executor counts in. */
  static String document(String executor, int document) {
    return executor + "-" + document;
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

  /**
   * Reads lines of an executor's name and the number of an event, and has it write the keyed
   * increments of the event; says the executor's name and what became of each.
   */
  private static void obey(Map<String, BatchExecutor<DocumentWrite>> executors, String collection)
      throws IOException {
    for (BatchExecutor<DocumentWrite> executor : executors.values()) {
      executor.submit(DocumentWrite.set(collection, "warm", Map.of())).toCompletableFuture().join();
    }
    System.out.println("ready");
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ", 2);
      BatchExecutor<DocumentWrite> executor = Objects.requireNonNull(executors.get(words[0]));
      for (int i = 0; i < DOCUMENTS; i++) {
        DocumentWrite write = DocumentWrite.increment(collection, document(words[0], i), "n", 1);
        executor
            .submit(write.withKey("event-" + words[1]))
            .thenAccept(result -> System.out.println(words[0] + " " + result.status()));
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
