package dev.escalera.benchmarks.batch;

import com.google.cloud.firestore.BulkWriter;
import com.google.cloud.firestore.BulkWriterOptions;
import com.google.cloud.firestore.Firestore;
import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.BatchReport;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.RunOptions;
import dev.escalera.batch.firestore.FirestoreBatchExecutor;
import dev.escalera.batch.redis.RedisBatchExecutor;
import dev.escalera.batch.redis.RedisWrite;
import dev.escalera.benchmarks.Bars;
import dev.escalera.benchmarks.Figures;
import dev.escalera.benchmarks.Ratio;
import dev.escalera.benchmarks.RawBatchWrite;
import dev.escalera.benchmarks.Report;
import dev.escalera.benchmarks.Rounds;
import dev.escalera.testkit.FirestoreEmulator;
import dev.escalera.testkit.RedisServer;
import io.lettuce.core.RedisClient;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;

/** How fast is written in bulk, each contender to an empty store of its own. */
public final class BatchBars implements Bars {
  static final int DOCUMENTS = 40_000;
  static final int SETS = 1_000_000;

  private static final int WARM_UPS = 1;
  private static final int ROUNDS = 3;
  private static final int IN_FLIGHT = 4;
  private static final int THROTTLED = 2_000;
  private static final double OF_RAW = 0.8;
  private static final double FASTER_THAN_BULK_WRITER = 2;
  private static final int ATTEMPTS = 5;
  private static final double FASTER_THAN_AUTO_FLUSH = 3;

  @Override
  public void measure(Report report) throws Exception {
    firestore(report);
    redis(report);
  }

  private static void firestore(Report report) throws Exception {
    Figures<List<Double>> perSecond =
        new Rounds(report)
            .add("Escalera", () -> onEmptyEmulator(DOCUMENTS, BatchBars::escalera))
            .add("BatchWrite", () -> onEmptyEmulator(DOCUMENTS, BatchBars::batchWrite))
            .add("BulkWriter", () -> ending(report, DOCUMENTS, BatchBars::bulkWriter))
            .run(WARM_UPS, ROUNDS);
    String what = "Firestore, %,d documents a second".formatted(DOCUMENTS);
    report.atLeast(
        what,
        "raw BatchWrite, 4 in flight",
        OF_RAW,
        Figures.ratio(perSecond, "Escalera", "BatchWrite"));
    report.atLeast(
        what,
        "BulkWriter, throttling off",
        FASTER_THAN_BULK_WRITER,
        Figures.ratio(perSecond, "Escalera", "BulkWriter"));
    double throttled = ending(report, THROTTLED, BatchBars::throttledBulkWriter);
    report.progress("  BulkWriter as it comes: " + Math.round(throttled));
    report.note(
        what,
        "BulkWriter as it comes, the first %,d".formatted(THROTTLED),
        Ratio.of(
            perSecond.of("Escalera"),
            perSecond.of("Escalera").stream().map(all -> throttled).toList()));
  }

  private static void redis(Report report) throws Exception {
    Figures<List<Double>> perSecond =
        new Rounds(report)
            .add("Escalera", () -> onEmptyRedis(BatchBars::escalera))
            .add("dispatch", () -> onEmptyRedis(RawRedis::dispatch))
            .add("auto-flush", () -> onEmptyRedis(RawRedis::autoFlush))
            .add("RBatch", () -> onEmptyRedis(RawRedis::redisson))
            .run(WARM_UPS, ROUNDS);
    String what = "Redis, %,d SETs a second".formatted(SETS);
    report.atLeast(
        what, "raw dispatch of 500", OF_RAW, Figures.ratio(perSecond, "Escalera", "dispatch"));
    report.atLeast(
        what,
        "auto-flush",
        FASTER_THAN_AUTO_FLUSH,
        Figures.ratio(perSecond, "Escalera", "auto-flush"));
    report.note(what, "Redisson RBatch of 500", Figures.ratio(perSecond, "Escalera", "RBatch"));
  }

  private interface FirestoreWrites {
    void on(Firestore firestore, int documents) throws Exception;
  }

  private interface RedisWrites {
    void on(RedisServer server, RedisClient client) throws Exception;
  }

  private static double onEmptyEmulator(int documents, FirestoreWrites writes) throws Exception {
    try (FirestoreEmulator emulator = FirestoreEmulator.start("-Xmx2g")) {
      Firestore firestore = emulator.openClient("bulk-" + System.nanoTime());
      try {
        firestore.document("warm/up").set(Map.of("n", 0L)).get(20, TimeUnit.SECONDS);
        long start = System.nanoTime();
        writes.on(firestore, documents);
        return documents * 1e9 / (System.nanoTime() - start);
      } finally {
        firestore.shutdownNow();
      }
    }
  }

  /** BulkWriter hangs at times, when its first batches are slow: then it tries again. */
  private static double ending(Report report, int documents, FirestoreWrites writes)
      throws Exception {
    for (int attempt = 1; ; attempt++) {
      try {
        return onEmptyEmulator(documents, writes);
      } catch (TimeoutException e) {
        if (attempt == ATTEMPTS) {
          throw e;
        }
        report.progress("  BulkWriter did not end within a minute");
      }
    }
  }

  private static double onEmptyRedis(RedisWrites writes) throws Exception {
    try (RedisServer server = RedisServer.start()) {
      RedisClient client = RedisClient.create(server.uri());
      try {
        client.connect().sync().ping();
        long start = System.nanoTime();
        writes.on(server, client);
        double perSecond = SETS * 1e9 / (System.nanoTime() - start);
        long stored = client.connect().sync().dbsize();
        if (stored != SETS) {
          throw new IllegalStateException(stored + " keys are stored, expected " + SETS);
        }
        return perSecond;
      } finally {
        client.shutdown();
      }
    }
  }

  private static void escalera(Firestore firestore, int documents) {
    try (BatchExecutor<DocumentWrite> executor =
        FirestoreBatchExecutor.builder(firestore).maxConcurrentBatches(IN_FLIGHT).build()) {
      check(
          executor
              .execute(
                  IntStream.range(0, documents)
                      .mapToObj(i -> DocumentWrite.set("items", "item-" + i, fields(i)))
                      .iterator(),
                  RunOptions.named("documents"))
              .join());
    }
  }

  private static void escalera(RedisServer server, RedisClient client) {
    try (BatchExecutor<RedisWrite> executor = RedisBatchExecutor.builder(client).buildNative()) {
      check(
          executor
              .execute(
                  IntStream.range(0, SETS)
                      .mapToObj(i -> RedisWrite.set("key-" + i, RawRedis.VALUE))
                      .iterator(),
                  RunOptions.named("sets"))
              .join());
    }
  }

  private static void check(BatchReport report) {
    if (!report.allApplied()) {
      throw new IllegalStateException("not all was applied: " + report);
    }
  }

  private static void batchWrite(Firestore firestore, int documents) throws Exception {
    try (RawBatchWrite raw = new RawBatchWrite(firestore.getOptions(), IN_FLIGHT)) {
      raw.write(documents, i -> "items/item-" + i, BatchBars::fields);
    }
  }

  private static void bulkWriter(Firestore firestore, int documents) throws Exception {
    bulkWriter(firestore, documents, false);
  }

  private static void throttledBulkWriter(Firestore firestore, int documents) throws Exception {
    bulkWriter(firestore, documents, true);
  }

  private static void bulkWriter(Firestore firestore, int documents, boolean throttled)
      throws Exception {
    BulkWriter writer =
        firestore.bulkWriter(BulkWriterOptions.builder().setThrottlingEnabled(throttled).build());
    for (int i = 0; i < documents; i++) {
      writer.set(firestore.document("items/item-" + i), fields(i));
    }
    writer.flush().get(1, TimeUnit.MINUTES);
  }

  private static Map<String, Object> fields(int i) {
    return Map.of("number", (long) i, "text", "text of item " + i);
  }
}
