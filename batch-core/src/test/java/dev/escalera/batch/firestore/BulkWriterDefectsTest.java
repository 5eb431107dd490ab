package dev.escalera.batch.firestore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.api.core.ApiFuture;
import com.google.cloud.firestore.BulkWriter;
import com.google.cloud.firestore.BulkWriterOptions;
import com.google.cloud.firestore.Firestore;
import com.google.firestore.v1.Write;
import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.firestore.FakeFirestore.Fate;
import dev.escalera.testkit.Node;
import io.grpc.Status.Code;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * What the client's BulkWriter does wrong, done right. That BulkWriter does it wrong is shown by
 * {@code -Descalera.bulkwriter=true}; it is no promise of ours.
 */
class BulkWriterDefectsTest {
  private static final Duration LONG = Duration.ofMinutes(1);
  private static final Duration HANGS = Duration.ofSeconds(15);
  private static final Duration MINUTES = Duration.ofMinutes(5);
  private static final List<String> SMALL_HEAP = List.of("-Xmx128m", "-XX:+ExitOnOutOfMemoryError");

  private final FakeFirestore store = new FakeFirestore();
  private final Firestore client = store.openClient();

  BulkWriterDefectsTest() throws IOException {}

  @AfterEach
  void close() {
    client.shutdownNow();
    store.close();
  }

  /** Refuses for good what is written to documents whose names say so. */
  private static final FakeFirestore.Plan PERMANENT =
      new FakeFirestore.Plan() {
        @Override
        public Fate of(int call, List<Write> writes) {
          return Fate.APPLY;
        }

        @Override
        public Code of(Write write) {
          return write.getUpdate().getName().contains("/bad") ? Code.PERMISSION_DENIED : Code.OK;
        }
      };

  private static FakeFirestore.Plan slowFirst(Duration latency) {
    return (call, writes) -> call == 1 ? Fate.APPLY.after(latency) : Fate.APPLY;
  }

  private static String id(int i) {
    return i < 700 ? "bad" + i : "good" + i;
  }

  @Test
  void after_seven_hundred_permanent_failures_the_rest_is_written() {
    store.plan(PERMANENT);
    try (BatchExecutor<DocumentWrite> executor = FirestoreBatchExecutor.builder(client).build()) {
      for (int i = 0; i < 1_400; i++) {
        executor.submit(DocumentWrite.set("c", id(i), Map.of("n", i)));
      }
      assertThat(executor.flush(LONG)).isZero();
      assertThat(store.applied()).hasSize(700);
      assertThat(executor.stats().failed()).isEqualTo(700);
    }
  }

  @Test
  void a_slow_first_batch_of_many_does_not_keep_the_flush_from_ending() {
    store.plan(slowFirst(Duration.ofSeconds(1)));
    try (BatchExecutor<DocumentWrite> executor = FirestoreBatchExecutor.builder(client).build()) {
      for (int i = 0; i < 2_500; i++) {
        executor.submit(DocumentWrite.set("c", "d" + i, Map.of("n", i)));
      }
      assertThat(executor.flush(LONG)).isZero();
      assertThat(store.applied()).hasSize(2_500);
    }
  }

  @Test
  void two_writes_of_one_document_stay_in_order_when_the_first_call_is_slow_or_fails() {
    for (Fate first :
        List.of(Fate.APPLY.after(Duration.ofMillis(500)), Fate.APPLY.refusedWith(Code.ABORTED))) {
      int before = store.calls();
      store.plan((call, writes) -> call == before + 1 ? first : Fate.APPLY);
      String id = "order" + before;
      try (BatchExecutor<DocumentWrite> executor =
          FirestoreBatchExecutor.builder(client).backoff(Duration.ofMillis(50), LONG).build()) {
        executor.submit(DocumentWrite.set("c", id, Map.of("n", 1)));
        assertThat(executor.flush(Duration.ofMillis(20))).isBetween(0, 1);
        executor.submit(DocumentWrite.set("c", id, Map.of("n", 2)));
        assertThat(executor.flush(LONG)).isZero();
      }
      assertThat(values(id)).containsExactly(1L, 2L);
    }
  }

  @Test
  @EnabledIfSystemProperty(named = "escalera.bulkwriter", matches = "true")
  void a_million_are_written_in_128_mb() {
    store.forget();
    try (Node node = Node.start(SMALL_HEAP, MillionWriter.class, "Escalera", store.hostPort())) {
      assertThat(node.readToEnd(MINUTES)).containsExactly("applied 1000000", "done");
    }
    assertThat(store.forgotten()).isEqualTo(1_000_000);
  }

  private List<Long> values(String id) {
    return store.applied(id).stream()
        .map(write -> write.getUpdate().getFieldsOrThrow("n").getIntegerValue())
        .toList();
  }

  @Nested
  @EnabledIfSystemProperty(named = "escalera.bulkwriter", matches = "true")
  class BulkWriterItself {
    private BulkWriter writer() {
      return client.bulkWriter(BulkWriterOptions.builder().setThrottlingEnabled(false).build());
    }

    @Test
    void hangs_after_five_hundred_permanent_failures() {
      store.plan(PERMANENT);
      BulkWriter writer = writer();
      for (int i = 0; i < 1_400; i++) {
        ApiFuture<?> result = writer.set(client.collection("c").document(id(i)), Map.of("n", i));
        assertThat(result).isNotNull();
      }
      ApiFuture<Void> flushed = writer.flush();
      assertThatThrownBy(() -> flushed.get(HANGS.toSeconds(), TimeUnit.SECONDS))
          .isInstanceOf(TimeoutException.class);
      assertThat(store.applied()).hasSizeLessThan(700);
    }

    @Test
    void hangs_with_a_slow_first_batch_of_many() {
      store.plan(slowFirst(Duration.ofSeconds(1)));
      BulkWriter writer = writer();
      for (int i = 0; i < 2_500; i++) {
        writer.set(client.collection("c").document("d" + i), Map.of("n", i));
      }
      ApiFuture<Void> flushed = writer.flush();
      assertThatThrownBy(() -> flushed.get(HANGS.toSeconds(), TimeUnit.SECONDS))
          .isInstanceOf(TimeoutException.class);
    }

    @Test
    void runs_out_of_memory_with_a_million_in_128_mb() {
      store.forget();
      try (Node node =
          Node.start(SMALL_HEAP, MillionWriter.class, "BulkWriter", store.hostPort())) {
        assertThat(node.readToEnd(MINUTES).toString())
            .contains("java.lang.OutOfMemoryError")
            .doesNotContain("done");
      }
    }

    @Test
    void reorders_two_writes_of_one_document() throws Exception {
      store.plan(slowFirst(Duration.ofSeconds(3)));
      BulkWriter writer = writer();
      List<ApiFuture<?>> results = new ArrayList<>();
      for (int i = 1; i <= 2; i++) {
        results.add(writer.set(client.collection("c").document("a"), Map.of("n", i)));
        ApiFuture<Void> flushing = writer.flush();
        assertThat(flushing).isNotNull();
      }
      for (ApiFuture<?> result : results) {
        result.get(30, TimeUnit.SECONDS);
      }
      assertThat(values("a")).containsExactly(2L, 1L);
    }
  }
}
