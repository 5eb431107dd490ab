package dev.escalera.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * What every executor of document writes does; a backend's test says how one is made and how a
 * document is read.
 */
public abstract class BatchExecutorContract {
  private static final Duration LONG = Duration.ofMinutes(1);

  /** Of its own, so that no test sees another's documents. */
  protected final String collection = "c" + UUID.randomUUID();

  protected abstract BatchExecutor<DocumentWrite> create();

  /** Reads a document, empty if it does not exist. */
  protected abstract Optional<Map<String, @Nullable Object>> read(String id) throws Exception;

  @Test
  void each_kind_of_write_does_what_it_says() throws Exception {
    try (BatchExecutor<DocumentWrite> executor = create()) {
      assertApplied(executor, DocumentWrite.set(collection, "a", Map.of("n", 1, "s", "x")));
      assertThat(read("a")).contains(Map.of("n", 1L, "s", "x"));
      assertApplied(executor, DocumentWrite.set(collection, "a", Map.of("m", 2)));
      assertThat(read("a")).contains(Map.of("m", 2L));
      assertApplied(executor, DocumentWrite.merge(collection, "a", Map.of("s", "y")));
      assertThat(read("a")).contains(Map.of("m", 2L, "s", "y"));
      assertApplied(executor, DocumentWrite.update(collection, "a", Map.of("s", "z")));
      assertThat(read("a")).contains(Map.of("m", 2L, "s", "z"));
      assertApplied(executor, DocumentWrite.increment(collection, "a", "m", 40));
      assertThat(read("a")).contains(Map.of("m", 42L, "s", "z"));
      assertApplied(executor, DocumentWrite.delete(collection, "a"));
      assertThat(read("a")).isEmpty();
      assertApplied(executor, DocumentWrite.delete(collection, "a"));
      assertApplied(executor, DocumentWrite.increment(collection, "a", "m", -1));
      assertThat(read("a")).contains(Map.of("m", -1L));
      assertApplied(executor, DocumentWrite.create(collection, "b", Map.of()));
      assertThat(read("b")).contains(Map.of());
    }
  }

  @Test
  void what_must_not_or_must_exist_is_checked() throws Exception {
    try (BatchExecutor<DocumentWrite> executor = create()) {
      assertApplied(executor, DocumentWrite.create(collection, "a", Map.of("n", 1)));

      WriteResult again =
          settled(executor.submit(DocumentWrite.create(collection, "a", Map.of("n", 2))));
      WriteResult missing =
          settled(executor.submit(DocumentWrite.update(collection, "b", Map.of("n", 2))));

      assertThat(again.status()).isEqualTo(WriteStatus.FAILED);
      assertThat(missing.status()).isEqualTo(WriteStatus.FAILED);
      assertThat(missing.cause()).isPresent();
      assertThat(missing.attempts()).isEqualTo(1);
      assertThat(read("a")).contains(Map.of("n", 1L));
      assertThat(read("b")).isEmpty();
    }
  }

  @Test
  void values_of_every_type_come_back() throws Exception {
    Map<String, @Nullable Object> fields = new HashMap<>();
    fields.put("null", null);
    fields.put("bool", true);
    fields.put("long", Long.MIN_VALUE);
    fields.put("double", -0.5);
    fields.put("nan", Double.NaN);
    fields.put("infinity", Double.NEGATIVE_INFINITY);
    fields.put("text", "a/b:c\r\n\u0000\ud83d\ude00");
    fields.put("digits", "42");
    fields.put("empty", "");
    fields.put("time", Instant.parse("1969-12-31T23:59:59.999999Z"));
    fields.put("list", Arrays.asList(1L, null, "x:1", Map.of("k", List.of())));
    fields.put("map", Map.of("a.b", 1L, "`\\", Map.of("deep", "3:abc")));
    fields.put("a.b", "a name, no path");
    fields.put("`", "a tick");
    try (BatchExecutor<DocumentWrite> executor = create()) {
      assertApplied(executor, DocumentWrite.set(collection, "a", fields));
      assertThat(read("a")).contains(fields);
      assertApplied(executor, DocumentWrite.merge(collection, "a", Map.of("a.b", "c", "`", "d")));
      fields.put("a.b", "c");
      fields.put("`", "d");
      assertThat(read("a")).contains(fields);

      byte[] bytes = {0, 1, -1, 13, 10};
      assertApplied(executor, DocumentWrite.set(collection, "bytes", Map.of("b", bytes)));
      assertThat((byte[]) read("bytes").orElseThrow().get("b")).isEqualTo(bytes);
    }
  }

  @Test
  void any_id_that_firestore_takes_is_its_own() throws Exception {
    List<String> ids =
        List.of(
            "{}",
            "a{b}",
            ":",
            "a:b",
            "%",
            "%3A",
            " ",
            "\r\n",
            "...",
            "__",
            "\u00e9",
            "e\u0301",
            "\ud83d\ude00",
            "x".repeat(1_500));
    try (BatchExecutor<DocumentWrite> executor = create()) {
      for (String id : ids) {
        assertApplied(executor, DocumentWrite.set(collection, id, Map.of("id", id)));
      }
      for (String id : ids) {
        assertThat(read(id)).contains(Map.of("id", id));
      }
    }
  }

  @Test
  void bad_writes_are_refused_by_name() {
    assertThatThrownBy(() -> DocumentWrite.delete("c", "a/b"))
        .hasMessageStartingWith("id is \"a/b\", expected");
    assertThatThrownBy(() -> DocumentWrite.delete("c", ".."))
        .hasMessageStartingWith("id is \"..\"");
    assertThatThrownBy(() -> DocumentWrite.delete("c", "__x__"))
        .hasMessageStartingWith("id is \"__x__\"");
    assertThatThrownBy(() -> DocumentWrite.delete("c", "")).hasMessageStartingWith("id is \"\"");
    assertThatThrownBy(() -> DocumentWrite.delete("c", "x".repeat(1_501)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> DocumentWrite.delete("c", "\ud83d"))
        .hasMessageContaining("lone surrogate");
    assertThatThrownBy(() -> DocumentWrite.delete("a/b", "x"))
        .hasMessageStartingWith("collection is \"a/b\"");
    assertThatThrownBy(
            () -> DocumentWrite.set("c", "x", Map.of("a", Map.of("b", new StringBuilder()))))
        .hasMessageStartingWith(
            "field \"a.b\" is a java.lang.StringBuilder, expected null, Boolean,");
    assertThatThrownBy(() -> DocumentWrite.set("c", "x", Map.of("", 1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> DocumentWrite.set("c", "x", Map.of("a", List.of(List.of()))))
        .hasMessageContaining("a list in a list");
    assertThatThrownBy(() -> DocumentWrite.delete("c\udc00", "x"))
        .hasMessageContaining("lone surrogate");
  }

  @Test
  void more_than_five_hundred_transforms_of_a_document_are_refused_and_as_many_are_applied()
      throws Exception {
    Map<String, @Nullable Object> increments = new HashMap<>();
    for (int i = 0; i < 500; i++) {
      increments.put("f" + i, Transform.increment(i));
    }
    try (BatchExecutor<DocumentWrite> executor = create()) {
      assertApplied(executor, DocumentWrite.merge(collection, "a", increments));
      assertApplied(executor, DocumentWrite.merge(collection, "a", increments));
    }
    Map<String, @Nullable Object> fields = read("a").orElseThrow();
    assertThat(fields).hasSize(500);
    for (int i = 0; i < 500; i++) {
      assertThat(fields.get("f" + i)).isEqualTo(2L * i);
    }
    increments.put("one more", Transform.increment(1));
    assertThatThrownBy(() -> DocumentWrite.merge(collection, "a", increments))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the write has 501 transforms, expected at most 500");
  }

  @Test
  void writes_of_one_document_that_are_submitted_together_are_all_applied_in_order()
      throws Exception {
    // In one request the store would refuse them all.
    try (BatchExecutor<DocumentWrite> executor = create()) {
      List<CompletionStage<WriteResult>> results = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        results.add(executor.submit(DocumentWrite.set(collection, "a", Map.of("n", i))));
        results.add(executor.submit(DocumentWrite.increment(collection, "a", "m", 1)));
      }
      assertThat(executor.flush(LONG)).isZero();
      for (CompletionStage<WriteResult> result : results) {
        assertThat(settled(result).status()).isEqualTo(WriteStatus.APPLIED);
        assertThat(settled(result).attempts()).isEqualTo(1);
      }
      assertThat(read("a")).contains(Map.of("n", 9L, "m", 1L));
    }
  }

  @Test
  void many_writes_are_all_settled_and_applied() throws Exception {
    try (BatchExecutor<DocumentWrite> executor = create()) {
      BatchRun run =
          executor.execute(
              IntStream.range(0, 2_500)
                  .mapToObj(i -> DocumentWrite.set(collection, "d" + i, Map.of("n", i)))
                  .iterator(),
              RunOptions.named("many").total(2_500));
      BatchReport report = run.join();

      assertThat(report.failures()).isEmpty();
      assertThat(report.allApplied()).isTrue();
      assertThat(report.progress().submitted()).isEqualTo(2_500);
      assertThat(read("d0")).contains(Map.of("n", 0L));
      assertThat(read("d2499")).contains(Map.of("n", 2_499L));
    }
  }

  @Test
  void one_that_fails_leaves_the_others_alone() throws Exception {
    try (BatchExecutor<DocumentWrite> executor = create()) {
      List<CompletionStage<WriteResult>> results = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        results.add(
            executor.submit(
                i == 250
                    ? DocumentWrite.update(collection, "missing", Map.of("n", 1))
                    : DocumentWrite.set(collection, "d" + i, Map.of("n", i))));
      }
      assertThat(executor.flush(LONG)).isZero();
      for (int i = 0; i < 500; i++) {
        assertThat(settled(results.get(i)).status())
            .as("write %d", i)
            .isEqualTo(i == 250 ? WriteStatus.FAILED : WriteStatus.APPLIED);
      }
    }
  }

  @Test
  void writes_of_one_document_are_applied_in_order() throws Exception {
    long seed = Long.getLong("escalera.seed", 20261124L);
    Random random = new Random(seed);
    Map<String, Map<String, @Nullable Object>> model = new HashMap<>();
    List<DocumentWrite> writes = new ArrayList<>();
    for (int i = 0; i < 600; i++) {
      writes.add(random(random, i, model));
    }
    try (BatchExecutor<DocumentWrite> executor = create()) {
      assertThat(executor.execute(writes.iterator(), RunOptions.named("ordered")).join().failures())
          .as("seed %d", seed)
          .allMatch(result -> result.status() == WriteStatus.FAILED);
    }
    for (int d = 0; d < 5; d++) {
      assertThat(read("d" + d))
          .as("seed %d, document %d", seed, d)
          .isEqualTo(Optional.ofNullable(model.get("d" + d)));
    }
  }

  @Test
  void a_write_of_more_than_a_mebibyte_fails_alone() throws Exception {
    try (BatchExecutor<DocumentWrite> executor = create()) {
      CompletionStage<WriteResult> big =
          executor.submit(
              DocumentWrite.set(collection, "big", Map.of("s", "x".repeat((1 << 20) + 1))));
      CompletionStage<WriteResult> small =
          executor.submit(DocumentWrite.set(collection, "small", Map.of("s", "x")));
      assertThat(settled(big).status()).isEqualTo(WriteStatus.FAILED);
      assertThat(settled(big).cause().orElseThrow())
          .hasMessageContaining("expected at most 1048576");
      assertThat(settled(small).applied()).isTrue();
      assertThat(read("big")).isEmpty();
    }
  }

  @Test
  void an_empty_run_ends() {
    try (BatchExecutor<DocumentWrite> executor = create()) {
      BatchReport report =
          executor.execute(Collections.emptyIterator(), RunOptions.named("empty")).join();
      assertThat(report.progress().submitted()).isZero();
      assertThat(report.allApplied()).isTrue();
    }
  }

  @Test
  void an_iterator_that_throws_ends_the_run_with_its_index_and_what_was_read_is_settled()
      throws Exception {
    Iterator<DocumentWrite> failing =
        new Iterator<>() {
          private int next;

          @Override
          public boolean hasNext() {
            return true;
          }

          @Override
          public DocumentWrite next() {
            if (next == 7) {
              throw new IllegalStateException("the file ended");
            }
            return DocumentWrite.set(collection, "d" + next++, Map.of());
          }
        };
    try (BatchExecutor<DocumentWrite> executor = create()) {
      BatchRun run = executor.execute(failing, RunOptions.named("cut"));
      assertThatThrownBy(run::join)
          .isInstanceOf(BatchException.class)
          .hasMessage("run \"cut\" ended at index 7: the file ended")
          .hasCauseInstanceOf(IllegalStateException.class);
      assertThat(run.progress().applied()).isEqualTo(7);
      assertThat(read("d6")).isPresent();
    }
  }

  @Test
  @SuppressWarnings("NullAway") // The point of the test.
  void null_is_refused() {
    try (BatchExecutor<DocumentWrite> executor = create()) {
      assertThatThrownBy(() -> executor.submit(null))
          .isInstanceOf(NullPointerException.class)
          .hasMessage("operation");
      assertThatThrownBy(() -> DocumentWrite.set("c", "a", null))
          .isInstanceOf(NullPointerException.class)
          .hasMessage("fields");
    }
  }

  @Test
  void a_closed_executor_says_so() {
    BatchExecutor<DocumentWrite> executor = create();
    executor.close();
    executor.close();
    assertThatThrownBy(() -> executor.submit(DocumentWrite.delete(collection, "a")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageEndingWith("is closed");
    assertThatThrownBy(
            () -> executor.execute(Collections.emptyIterator(), RunOptions.named("late")))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void closing_waits_for_what_was_submitted() throws Exception {
    BatchExecutor<DocumentWrite> executor = create();
    CompletionStage<WriteResult> result =
        executor.submit(DocumentWrite.set(collection, "a", Map.of()));
    assertThat(executor.close(LONG)).isZero();
    assertThat(settled(result).applied()).isTrue();
    assertThat(read("a")).isPresent();
  }

  private DocumentWrite random(
      Random random, int i, Map<String, Map<String, @Nullable Object>> model) {
    String id = "d" + random.nextInt(5);
    Map<String, Object> fields = Map.of("f" + random.nextInt(3), (long) i);
    Map<String, @Nullable Object> document = model.get(id);
    switch (random.nextInt(6)) {
      case 0 -> {
        model.put(id, new HashMap<>(fields));
        return DocumentWrite.set(collection, id, fields);
      }
      case 1 -> {
        model.computeIfAbsent(id, key -> new HashMap<>()).putAll(fields);
        return DocumentWrite.merge(collection, id, fields);
      }
      case 2 -> {
        if (document != null) {
          document.putAll(fields);
        }
        return DocumentWrite.update(collection, id, fields);
      }
      case 3 -> {
        model.putIfAbsent(id, new HashMap<>(fields));
        return DocumentWrite.create(collection, id, fields);
      }
      case 4 -> {
        model.remove(id);
        return DocumentWrite.delete(collection, id);
      }
      default -> {
        Map<String, @Nullable Object> counted = model.computeIfAbsent(id, key -> new HashMap<>());
        counted.put("n", (Long) counted.getOrDefault("n", 0L) + i);
        return DocumentWrite.increment(collection, id, "n", i);
      }
    }
  }

  private static void assertApplied(BatchExecutor<DocumentWrite> executor, DocumentWrite write)
      throws Exception {
    WriteResult result = settled(executor.submit(write));
    assertThat(result.cause()).isEmpty();
    assertThat(result.status()).isEqualTo(WriteStatus.APPLIED);
  }

  private static WriteResult settled(CompletionStage<WriteResult> result) throws Exception {
    return result.toCompletableFuture().get(60, TimeUnit.SECONDS);
  }
}
