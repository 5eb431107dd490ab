package dev.escalera.batch.firestore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.GeoPoint;
import dev.escalera.batch.BatchException;
import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.BatchLoader;
import dev.escalera.batch.DocumentKey;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.testkit.WithFirestore;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

@WithFirestore
class FirestoreBatchLoaderTest {
  private final Firestore firestore;

  FirestoreBatchLoaderTest(Firestore firestore) {
    this.firestore = firestore;
  }

  @Test
  void documents_are_read_together_and_one_of_an_unknown_type_fails_alone() throws Exception {
    Map<String, Object> fields =
        Map.of(
            "n", 1L,
            "d", 0.5,
            "t", Instant.parse("2026-01-01T00:00:00.000001Z"),
            "l", List.of("x", true),
            "m", Map.of("a.b", 2L));
    try (BatchExecutor<DocumentWrite> executor = FirestoreBatchExecutor.builder(firestore).build();
        BatchLoader<DocumentKey, Map<String, @Nullable Object>> loader =
            FirestoreBatchLoader.builder(firestore).linger(Duration.ofMillis(300)).build()) {
      for (int i = 0; i < 50; i++) {
        executor.submit(DocumentWrite.set("docs", "d" + i, fields));
      }
      assertThat(executor.flush(Duration.ofMinutes(1))).isZero();
      firestore.collection("docs").document("bad").set(Map.of("g", new GeoPoint(1, 1))).get();
      List<CompletableFuture<Optional<Map<String, @Nullable Object>>>> values =
          IntStream.range(0, 50)
              .mapToObj(i -> loader.load(new DocumentKey("docs", "d" + i)))
              .toList();
      CompletableFuture<Optional<Map<String, @Nullable Object>>> missing =
          loader.load(new DocumentKey("docs", "missing"));
      CompletableFuture<Optional<Map<String, @Nullable Object>>> bad =
          loader.load(new DocumentKey("docs", "bad"));
      for (CompletableFuture<Optional<Map<String, @Nullable Object>>> value : values) {
        assertThat(value.get(30, TimeUnit.SECONDS)).contains(fields);
      }
      assertThat(missing.get(30, TimeUnit.SECONDS)).isEmpty();
      assertThatThrownBy(() -> bad.get(30, TimeUnit.SECONDS))
          .hasCauseInstanceOf(BatchException.class)
          .hasMessageContaining("GEO_POINT_VALUE");
      assertThat(loader.stats().calls()).isEqualTo(1);
    }
    assertThatThrownBy(() -> new DocumentKey("a/b", "c"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
