package dev.escalera.batch.firestore;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.Timestamp;
import com.google.cloud.firestore.Blob;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.Firestore;
import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.BatchExecutorContract;
import dev.escalera.batch.BatchReport;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.RunOptions;
import dev.escalera.testkit.WithFirestore;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

@WithFirestore
class FirestoreBatchExecutorTest extends BatchExecutorContract {
  private final Firestore firestore;

  FirestoreBatchExecutorTest(Firestore firestore) {
    this.firestore = firestore;
  }

  @Override
  protected BatchExecutor<DocumentWrite> create() {
    return FirestoreBatchExecutor.builder(firestore).build();
  }

  @Override
  protected Optional<Map<String, @Nullable Object>> read(String id) throws Exception {
    DocumentSnapshot document = firestore.collection(collection).document(id).get().get();
    Map<String, Object> data = document.getData();
    if (data == null) {
      return Optional.empty();
    }
    Map<String, @Nullable Object> fields = new HashMap<>();
    data.forEach((name, value) -> fields.put(name, plain(value)));
    return Optional.of(fields);
  }

  @Test
  void five_hundred_that_fail_do_not_hold_up_the_rest() {
    try (BatchExecutor<DocumentWrite> executor = create()) {
      BatchReport report =
          executor
              .execute(
                  IntStream.range(0, 1_500)
                      .mapToObj(
                          i ->
                              i < 700
                                  ? DocumentWrite.update(collection, "missing" + i, Map.of("n", i))
                                  : DocumentWrite.set(collection, "d" + i, Map.of("n", i)))
                      .iterator(),
                  RunOptions.named("failing"))
              .join();
      assertThat(report.progress().failed()).isEqualTo(700);
      assertThat(report.progress().applied()).isEqualTo(800);
      assertThat(report.failures()).hasSize(100);
    }
  }

  private static @Nullable Object plain(@Nullable Object value) {
    if (value instanceof Timestamp time) {
      return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
    }
    return value instanceof Blob blob ? blob.toBytes() : value;
  }
}
