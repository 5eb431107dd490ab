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
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** A process that writes, and is killed by a test while it does. */
final class CrashingWriter {
  static final int DOCUMENTS = 5;

  /** Of a run. */
  static final int COUNTERS = 700;

  private CrashingWriter() {}

  /**
   * Writes until it is killed: {@code STORE resume ADDRESS COLLECTION COUNT FOLDER} goes through a
   * run, {@code STORE obey COLLECTION ADDRESS…} what it reads, by an executor an address.
   */
  public static void main(String[] args) throws Exception {
    if (args[1].equals("resume")) {
      try (BatchExecutor<DocumentWrite> executor = open(args[0], args[2])) {
        resume(executor, args[3], Integer.parseInt(args[4]), Path.of(args[5]));
      }
    } else {
      List<BatchExecutor<DocumentWrite>> executors = new ArrayList<>();
      for (String address : List.of(args).subList(3, args.length)) {
        executors.add(open(args[0], address));
      }
      obey(executors, args[2]);
      executors.forEach(BatchExecutor::close);
    }
    // Threads of clients may go on for a while.
    System.exit(0);
  }

  /** Returns the id of a document that an executor counts in. */
  static String document(int executor, int document) {
    return "n" + executor + "-" + document;
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
   * Reads lines of an executor's number and that of an event, and has it write the keyed increments
   * of the event; says the executor's number and what became of each.
   */
  private static void obey(List<BatchExecutor<DocumentWrite>> executors, String collection)
      throws IOException {
    for (BatchExecutor<DocumentWrite> executor : executors) {
      executor.submit(DocumentWrite.set(collection, "warm", Map.of())).toCompletableFuture().join();
    }
    System.out.println("ready");
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ", 2);
      int number = Integer.parseInt(words[0]);
      for (int i = 0; i < DOCUMENTS; i++) {
        DocumentWrite write = DocumentWrite.increment(collection, document(number, i), "n", 1);
        executors
            .get(number)
            .submit(write.withKey("event-" + words[1]))
            .thenAccept(result -> System.out.println(number + " " + result.status()));
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
