package dev.escalera.batch.firestore;

import com.google.cloud.firestore.BulkWriter;
import com.google.cloud.firestore.BulkWriterOptions;
import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.FirestoreOptions;
import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.DocumentWrite;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A process that writes a million documents as fast as it may, by us or by the BulkWriter. */
final class MillionWriter {
  static final int DOCUMENTS = 1_000_000;

  private MillionWriter() {}

  public static void main(String[] args) throws Exception {
    Firestore firestore =
        FirestoreOptions.newBuilder()
            .setProjectId("fake")
            .setEmulatorHost(args[1])
            .build()
            .getService();
    if (args[0].equals("BulkWriter")) {
      BulkWriter writer =
          firestore.bulkWriter(BulkWriterOptions.builder().setThrottlingEnabled(false).build());
      for (int i = 0; i < DOCUMENTS; i++) {
        writer.set(firestore.collection("c").document("d" + i), Map.of("n", i));
      }
      writer.flush().get(5, TimeUnit.MINUTES);
    } else {
      try (BatchExecutor<DocumentWrite> executor =
          FirestoreBatchExecutor.builder(firestore).build()) {
        for (int i = 0; i < DOCUMENTS; i++) {
          executor.submit(DocumentWrite.set("c", "d" + i, Map.of("n", i)));
        }
        executor.flush(Duration.ofMinutes(5));
        System.out.println("applied " + executor.stats().applied());
      }
    }
    System.out.println("done");
    System.exit(0);
  }
}
