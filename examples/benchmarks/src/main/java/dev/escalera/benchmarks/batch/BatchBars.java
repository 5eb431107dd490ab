package dev.escalera.benchmarks.batch;

import com.google.cloud.firestore.BulkWriter;
import com.google.cloud.firestore.BulkWriterOptions;
import com.google.cloud.firestore.Firestore;
import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.firestore.FirestoreBatchExecutor;
import dev.escalera.benchmarks.Bars;
import dev.escalera.benchmarks.Figures;
import dev.escalera.benchmarks.Report;
import dev.escalera.benchmarks.Rounds;
import dev.escalera.testkit.FirestoreEmulator;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** How fast small documents are written in bulk, each contender to an empty emulator of its own. */
public final class BatchBars implements Bars {
  private static final int DOCUMENTS = 40_000;
  private static final int WARM_UPS = 1;
  private static final int ROUNDS = 3;
  private static final double FASTER_THAN_BULK_WRITER = 2;

  @Override
  public void measure(Report report) throws Exception {
    Figures<List<Double>> perSecond =
        new Rounds(report)
            .add("Escalera", () -> onEmptyEmulator(BatchBars::escalera))
            .add("BulkWriter", () -> onEmptyEmulator(BatchBars::bulkWriter))
            .run(WARM_UPS, ROUNDS);
    report.atLeast(
        "Firestore, " + DOCUMENTS + " documents a second",
        "BulkWriter, throttling off",
        FASTER_THAN_BULK_WRITER,
        Figures.ratio(perSecond, "Escalera", "BulkWriter"));
  }

  private interface Writes {
    void on(Firestore firestore) throws Exception;
  }

  private static double onEmptyEmulator(Writes writes) throws Exception {
    try (FirestoreEmulator emulator = FirestoreEmulator.start("-Xmx2g")) {
      Firestore firestore = emulator.openClient("bulk");
      try {
        firestore.document("warm/up").set(Map.of("n", 0L)).get(20, TimeUnit.SECONDS);
        long start = System.nanoTime();
        writes.on(firestore);
        return DOCUMENTS * 1e9 / (System.nanoTime() - start);
      } finally {
        firestore.shutdownNow();
      }
    }
  }

  private static void escalera(Firestore firestore) {
    try (BatchExecutor<DocumentWrite> executor =
        FirestoreBatchExecutor.builder(firestore).maxConcurrentBatches(4).build()) {
      for (int i = 0; i < DOCUMENTS; i++) {
        executor.submit(DocumentWrite.set("items", "item-" + i, fields(i)));
      }
      int unfinished = executor.flush(Duration.ofMinutes(2));
      if (unfinished > 0) {
        throw new IllegalStateException(unfinished + " writes did not end");
      }
    }
  }

  private static void bulkWriter(Firestore firestore) throws Exception {
    BulkWriter writer =
        firestore.bulkWriter(BulkWriterOptions.builder().setThrottlingEnabled(false).build());
    for (int i = 0; i < DOCUMENTS; i++) {
      writer.set(firestore.document("items/item-" + i), fields(i));
    }
    writer.flush().get(2, TimeUnit.MINUTES);
  }

  private static Map<String, Object> fields(int i) {
    return Map.of("number", (long) i, "text", "text of item " + i);
  }
}
