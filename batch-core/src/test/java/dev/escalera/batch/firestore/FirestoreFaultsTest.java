package dev.escalera.batch.firestore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.cloud.firestore.Firestore;
import com.google.firestore.v1.Document;
import com.google.firestore.v1.Write;
import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.BatchReport;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.RunOptions;
import dev.escalera.batch.WriteResult;
import dev.escalera.batch.WriteStatus;
import dev.escalera.batch.firestore.FakeFirestore.Fate;
import io.grpc.Status.Code;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the emulator cannot do: a Firestore that refuses, loses answers and cuts them short. */
class FirestoreFaultsTest {
  private static final Duration LONG = Duration.ofMinutes(1);

  private final FakeFirestore store = new FakeFirestore();
  private final Firestore client = store.openClient();

  FirestoreFaultsTest() throws IOException {}

  @AfterEach
  void close() {
    client.shutdownNow();
    store.close();
  }

  private FirestoreBatchExecutor.Builder builder() {
    // Long enough that what a test submits together is one call.
    return FirestoreBatchExecutor.builder(client)
        .linger(Duration.ofMillis(300))
        .backoff(Duration.ofMillis(5), Duration.ofMillis(50))
        .unknownHold(Duration.ofMillis(300));
  }

  @Test
  void a_lost_answer_is_unknown_for_an_increment_and_repeated_for_a_set() throws Exception {
    store.plan((call, writes) -> call == 1 ? Fate.APPLY.lostWith(Code.UNAVAILABLE) : Fate.APPLY);
    try (BatchExecutor<DocumentWrite> executor = builder().build()) {
      CompletionStage<WriteResult> increment =
          executor.submit(DocumentWrite.increment("c", "n", "n", 1));
      CompletionStage<WriteResult> create =
          executor.submit(DocumentWrite.create("c", "created", Map.of()));
      CompletionStage<WriteResult> update =
          executor.submit(DocumentWrite.set("c", "s", Map.of("n", 1)));
      assertThat(settled(increment).status()).isEqualTo(WriteStatus.UNKNOWN);
      assertThat(settled(create).status()).isEqualTo(WriteStatus.UNKNOWN);
      assertThat(settled(update).status()).isEqualTo(WriteStatus.APPLIED);
      assertThat(settled(update).attempts()).isEqualTo(2);
      assertThat(count("n", "n")).isEqualTo(1);
    }
  }

  @Test
  void with_a_key_a_lost_answer_is_found_out_and_counted_once() throws Exception {
    store.plan((call, writes) -> call == 1 ? Fate.APPLY.lostWith(Code.UNAVAILABLE) : Fate.APPLY);
    try (BatchExecutor<DocumentWrite> executor = builder().build()) {
      List<CompletionStage<WriteResult>> results = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        results.add(
            executor.submit(DocumentWrite.increment("c", "n" + i, "n", 1).withKey("k" + i)));
      }
      for (CompletionStage<WriteResult> result : results) {
        assertThat(settled(result).status()).isEqualTo(WriteStatus.ALREADY_APPLIED);
      }
      for (int i = 0; i < 20; i++) {
        assertThat(count("n" + i, "n")).isEqualTo(1);
      }
      assertThat(store.count("escalera_ledger")).isEqualTo(20);
    }
  }

  @Test
  void those_that_were_not_applied_before_are_sent_again_without_those_that_were()
      throws Exception {
    try (BatchExecutor<DocumentWrite> executor = builder().build()) {
      submitKeyed(executor, 0, 10);
      List<WriteResult> results = submitKeyed(executor, 5, 20);
      assertThat(results)
          .extracting(WriteResult::status)
          .startsWith(WriteStatus.ALREADY_APPLIED, WriteStatus.ALREADY_APPLIED)
          .endsWith(WriteStatus.APPLIED, WriteStatus.APPLIED);
      for (int i = 0; i < 20; i++) {
        assertThat(count("n" + i, "n")).as("n%d", i).isEqualTo(1);
      }
    }
  }

  @Test
  void one_keyed_write_whose_condition_fails_fails_alone() throws Exception {
    try (BatchExecutor<DocumentWrite> executor = builder().build()) {
      settled(executor.submit(DocumentWrite.set("c", "there", Map.of())));
      List<CompletionStage<WriteResult>> results = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        DocumentWrite write =
            i == 13
                ? DocumentWrite.create("c", "there", Map.of())
                : i == 27
                    ? DocumentWrite.update("c", "missing", Map.of())
                    : DocumentWrite.increment("c", "n" + i, "n", 1);
        results.add(executor.submit(write.withKey("k" + i)));
      }
      assertThat(executor.flush(LONG)).isZero();
      for (int i = 0; i < 40; i++) {
        assertThat(settled(results.get(i)).status())
            .as("write %d", i)
            .isEqualTo(i == 13 || i == 27 ? WriteStatus.FAILED : WriteStatus.APPLIED);
      }
    }
  }

  @Test
  void a_short_answer_leaves_the_rest_unknown() throws Exception {
    store.plan((call, writes) -> call == 1 ? Fate.APPLY.answering(3) : Fate.APPLY);
    try (BatchExecutor<DocumentWrite> executor = builder().build()) {
      List<CompletionStage<WriteResult>> results = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        results.add(executor.submit(DocumentWrite.increment("c", "n" + i, "n", 1)));
      }
      assertThat(executor.flush(LONG)).isZero();
      for (int i = 0; i < 6; i++) {
        assertThat(settled(results.get(i)).status())
            .isEqualTo(i < 3 ? WriteStatus.APPLIED : WriteStatus.UNKNOWN);
        assertThat(count("n" + i, "n")).isEqualTo(1);
      }
    }
  }

  @Test
  void a_condition_that_fails_after_an_unknown_attempt_is_unknown() throws Exception {
    // Applied and lost; before it is sent again someone else removes the document.
    store.plan(
        (call, writes) -> {
          if (call == 3) {
            store.remove("c", "a");
          }
          return call == 2 ? Fate.APPLY.lostWith(Code.DEADLINE_EXCEEDED) : Fate.APPLY;
        });
    try (BatchExecutor<DocumentWrite> executor = builder().build()) {
      settled(executor.submit(DocumentWrite.set("c", "a", Map.of())));
      WriteResult result = settled(executor.submit(DocumentWrite.update("c", "a", Map.of("n", 1))));
      assertThat(result.status()).isEqualTo(WriteStatus.UNKNOWN);
      assertThat(result.attempts()).isEqualTo(2);
      assertThat(store.applied("a")).hasSize(2);
    }
  }

  @Test
  void steps_of_capacity_are_followed_and_nothing_is_given_up() {
    Capacity capacity = new Capacity();
    capacity.perSecond = 3_000;
    store.plan(capacity);
    try (BatchExecutor<DocumentWrite> executor =
        builder().backoff(Duration.ofMillis(100), Duration.ofSeconds(1)).build()) {
      BatchReport report =
          executor
              .execute(
                  IntStream.range(0, 6_000)
                      .mapToObj(
                          i -> {
                            // Falls to a tenth, then rises again.
                            capacity.perSecond = i > 2_000 && i < 3_000 ? 300 : 3_000;
                            return DocumentWrite.set("c", "d" + i, Map.of("n", i));
                          })
                      .iterator(),
                  RunOptions.named("steps"))
              .join();
      assertThat(report.allApplied()).as("%s", report).isTrue();
      assertThat(store.applied()).hasSize(6_000);
      assertThat(capacity.refused.get()).isPositive().isLessThan(6_000);
      assertThat(executor.stats().rateLimit()).isPresent();
    }
  }

  @Test
  void calls_are_as_large_as_they_may_be_and_never_larger() throws Exception {
    long seed = Long.getLong("escalera.seed", 20261124L);
    Random random = new Random(seed);
    store.forget();
    // Text of three bytes a character, so that characters are not taken for bytes.
    String text = "\u20ac".repeat(340_000);
    long bytes = 0;
    try (BatchExecutor<DocumentWrite> executor =
        builder().maxConcurrentBatches(2).linger(Duration.ofHours(1)).build()) {
      List<CompletionStage<WriteResult>> results = new ArrayList<>();
      for (int i = 0; i < 120; i++) {
        int length = random.nextInt(10) == 0 ? random.nextInt(100) : random.nextInt(text.length());
        bytes += 3L * length;
        DocumentWrite write =
            DocumentWrite.set("c", "d" + i, Map.of("text", text.substring(0, length)));
        results.add(executor.submit(i % 7 == 0 ? write.withKey("k") : write));
      }
      assertThat(executor.flush(LONG)).isZero();
      for (CompletionStage<WriteResult> result : results) {
        assertThat(settled(result).cause()).as("seed %d", seed).isEmpty();
      }
      assertThat(store.largestRequest()).as("seed %d", seed).isBetween(7_000_000, 9_500_000 + 200);
      assertThat(executor.stats().batches())
          .as("seed %d, %d bytes", seed, bytes)
          .isLessThan(2 + bytes / 8_000_000);
    }
  }

  @Test
  void one_that_firestore_refuses_a_whole_call_for_fails_alone() throws Exception {
    store.plan(
        (call, writes) ->
            writes.stream().anyMatch(write -> write.getUpdate().getName().endsWith("/poison"))
                ? Fate.APPLY.refusedWith(Code.INVALID_ARGUMENT)
                : Fate.APPLY);
    try (BatchExecutor<DocumentWrite> executor = builder().build()) {
      List<CompletionStage<WriteResult>> results = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        results.add(
            executor.submit(DocumentWrite.increment("c", i == 321 ? "poison" : "n" + i, "n", 1)));
      }
      assertThat(executor.flush(LONG)).isZero();
      for (int i = 0; i < 500; i++) {
        assertThat(settled(results.get(i)).status())
            .as("write %d", i)
            .isEqualTo(i == 321 ? WriteStatus.FAILED : WriteStatus.APPLIED);
      }
      assertThat(store.applied()).hasSize(499).doesNotHaveDuplicates();
      // The whole, and two halves of each that has the poison.
      assertThat(store.calls()).isLessThanOrEqualTo(1 + 2 * 9);
    }
  }

  @Test
  void a_group_is_one_commit_and_all_or_none() throws Exception {
    try (BatchExecutor<DocumentWrite> executor = builder().build()) {
      settled(executor.submit(DocumentWrite.set("c", "there", Map.of())));
      int before = store.calls();
      List<WriteResult> failed =
          executor
              .submitAtomic(
                  List.of(
                      DocumentWrite.set("c", "x", Map.of()),
                      DocumentWrite.create("c", "there", Map.of()),
                      DocumentWrite.set("c", "y", Map.of())))
              .toCompletableFuture()
              .get(10, TimeUnit.SECONDS);
      assertThat(failed).extracting(WriteResult::status).containsOnly(WriteStatus.FAILED);
      assertThat(failed).extracting(WriteResult::index).containsExactly(0L, 1L, 2L);
      assertThat(store.document("c", "x")).isNull();
      assertThat(store.calls() - before).isEqualTo(1);

      List<DocumentWrite> group =
          List.of(
              DocumentWrite.increment("c", "x", "n", 1).withKey("g"),
              DocumentWrite.increment("c", "y", "n", 1).withKey("g"));
      store.plan(
          (call, writes) ->
              call == before + 2 ? Fate.APPLY.lostWith(Code.UNAVAILABLE) : Fate.APPLY);
      List<WriteResult> again =
          executor.submitAtomic(group).toCompletableFuture().get(10, TimeUnit.SECONDS);
      assertThat(again).extracting(WriteResult::status).containsOnly(WriteStatus.ALREADY_APPLIED);
      assertThat(count("x", "n")).isEqualTo(1);
      assertThat(count("y", "n")).isEqualTo(1);

      assertThatThrownBy(
              () ->
                  executor.submitAtomic(
                      List.of(DocumentWrite.delete("c", "x"), DocumentWrite.delete("c", "x"))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("two operations of one key");
      assertThatThrownBy(() -> executor.submitAtomic(List.of()))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void order_holds_when_the_first_call_is_slow_fails_or_is_lost() throws Exception {
    store.plan(
        (call, writes) ->
            switch (call) {
              case 1 -> Fate.APPLY.after(Duration.ofMillis(300));
              case 3 -> Fate.APPLY.refusedWith(Code.ABORTED);
              case 5 -> Fate.APPLY.after(Duration.ofMillis(100)).lostWith(Code.UNAVAILABLE);
              default -> Fate.APPLY;
            });
    try (BatchExecutor<DocumentWrite> executor = builder().linger(Duration.ZERO).build()) {
      List<CompletionStage<WriteResult>> results = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        results.add(executor.submit(DocumentWrite.set("c", "a", Map.of("n", i))));
      }
      assertThat(executor.flush(LONG)).isZero();
      for (CompletionStage<WriteResult> result : results) {
        assertThat(settled(result).applied()).isTrue();
      }
      List<Long> values = new ArrayList<>();
      for (Write write : store.applied("a")) {
        values.add(write.getUpdate().getFieldsOrThrow("n").getIntegerValue());
      }
      assertThat(values).isSorted().endsWith(9L);
    }
  }

  /** A plan of so many writes a second, as a token bucket; what is more is RESOURCE_EXHAUSTED. */
  private static final class Capacity implements FakeFirestore.Plan {
    final AtomicInteger refused = new AtomicInteger();
    volatile double perSecond;
    private double tokens;
    private long refilled = System.nanoTime();

    @Override
    public Fate of(int call, List<Write> writes) {
      return Fate.APPLY.after(Duration.ofMillis(10));
    }

    @Override
    public synchronized Code of(Write write) {
      long now = System.nanoTime();
      tokens = Math.min(perSecond / 5, tokens + perSecond * (now - refilled) / 1e9);
      refilled = now;
      if (tokens >= 1) {
        tokens--;
        return Code.OK;
      }
      refused.incrementAndGet();
      return Code.RESOURCE_EXHAUSTED;
    }
  }

  private List<WriteResult> submitKeyed(BatchExecutor<DocumentWrite> executor, int from, int to)
      throws Exception {
    List<CompletionStage<WriteResult>> results = new ArrayList<>();
    for (int i = from; i < to; i++) {
      results.add(executor.submit(DocumentWrite.increment("c", "n" + i, "n", 1).withKey("k" + i)));
    }
    List<WriteResult> all = new ArrayList<>();
    for (CompletionStage<WriteResult> result : results) {
      all.add(settled(result));
    }
    return all;
  }

  private long count(String id, String field) {
    Document document = Objects.requireNonNull(store.document("c", id));
    return document.getFieldsOrThrow(field).getIntegerValue();
  }

  private static WriteResult settled(CompletionStage<WriteResult> result) throws Exception {
    return result.toCompletableFuture().get(60, TimeUnit.SECONDS);
  }
}
