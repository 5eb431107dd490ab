package dev.escalera.batch.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.BatchLoader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LocalBatchLoaderTest {
  private final List<List<Integer>> calls = Collections.synchronizedList(new ArrayList<>());

  private LocalBatchLoader.Builder<Integer, String> builder() {
    return LocalBatchLoader.builder(
        (List<Integer> keys) -> {
          calls.add(keys);
          Map<Integer, String> values = new HashMap<>();
          for (int key : keys) {
            if (key == 666) {
              throw new IllegalStateException("the line is down");
            }
            if (key >= 0) {
              values.put(key, key == 13 ? "!" : "v" + key);
            }
          }
          return values;
        });
  }

  @Test
  void ten_thousand_gets_of_a_hundred_keys_are_one_call() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(16);
    try (BatchLoader<Integer, String> loader = builder().linger(Duration.ofSeconds(2)).build()) {
      List<CompletableFuture<Optional<String>>> values =
          Collections.synchronizedList(new ArrayList<>());
      List<CompletableFuture<Void>> asking = new ArrayList<>();
      for (int thread = 0; thread < 16; thread++) {
        int first = thread * 625;
        asking.add(
            CompletableFuture.runAsync(
                () -> {
                  for (int i = first; i < first + 625; i++) {
                    values.add(loader.load(i % 100));
                  }
                },
                threads));
      }
      CompletableFuture.allOf(asking.toArray(CompletableFuture<?>[]::new))
          .get(60, TimeUnit.SECONDS);
      for (CompletableFuture<Optional<String>> value : values) {
        assertThat(value.get(60, TimeUnit.SECONDS)).isPresent();
      }
      assertThat(values).hasSize(10_000);
      assertThat(calls).hasSize(1);
      assertThat(calls.get(0)).hasSize(100).doesNotHaveDuplicates();
      assertThat(loader.stats().asked()).isEqualTo(10_000);
      assertThat(loader.stats().calls()).isEqualTo(1);
      assertThat(loader.stats().keys()).isEqualTo(100);
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void what_is_not_there_is_empty_and_what_fails_fails_alone() throws Exception {
    try (BatchLoader<Integer, String> loader =
        builder()
            .failureOf(
                value ->
                    value.equals("!")
                        ? Optional.of(new IllegalStateException("unlucky"))
                        : Optional.empty())
            .linger(Duration.ofMillis(200))
            .build()) {
      CompletableFuture<Optional<String>> there = loader.load(1);
      CompletableFuture<Optional<String>> missing = loader.load(-1);
      CompletableFuture<Optional<String>> failing = loader.load(13);
      assertThat(there.get(10, TimeUnit.SECONDS)).contains("v1");
      assertThat(missing.get(10, TimeUnit.SECONDS)).isEmpty();
      assertThatThrownBy(() -> failing.get(10, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class)
          .hasCauseInstanceOf(BatchException.class)
          .hasMessageContaining("cannot read 13: unlucky");
      assertThatThrownBy(() -> loader.get(13)).isInstanceOf(BatchException.class);
      assertThat(loader.get(2)).contains("v2");
      assertThatThrownBy(() -> loader.get(666)).hasMessageContaining("the line is down");
      assertThat(loader.get(3)).contains("v3");
      assertThat(loader.stats().failed()).isEqualTo(3);
    }
  }

  @Test
  void one_who_cancels_leaves_the_others_and_a_key_that_no_one_wants_is_not_read()
      throws Exception {
    try (BatchLoader<Integer, String> loader = builder().linger(Duration.ofMillis(300)).build()) {
      CompletableFuture<Optional<String>> one = loader.load(1);
      CompletableFuture<Optional<String>> other = loader.load(1);
      CompletableFuture<Optional<String>> unwanted = loader.load(2);
      one.cancel(false);
      unwanted.cancel(false);
      assertThat(other.get(10, TimeUnit.SECONDS)).contains("v1");
      assertThat(calls).containsExactly(List.of(1));

      // Whoever it is, of many of one key.
      for (int gone = 0; gone < 4; gone++) {
        List<CompletableFuture<Optional<String>>> all =
            IntStream.range(0, 4).mapToObj(i -> loader.load(3)).toList();
        all.get(gone).cancel(false);
        for (int i = 0; i < 4; i++) {
          if (i != gone) {
            assertThat(all.get(i).get(10, TimeUnit.SECONDS)).contains("v3");
          }
        }
      }
    }
  }

  @Test
  void one_who_comes_while_a_call_is_under_way_is_served_by_the_next() throws Exception {
    CountDownLatch first = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    try (BatchLoader<Integer, Integer> loader =
        LocalBatchLoader.builder(
                (List<Integer> keys) -> {
                  calls.add(keys);
                  int call = calls.size();
                  first.countDown();
                  await(go);
                  return Map.of(keys.get(0), call);
                })
            .linger(Duration.ZERO)
            .build()) {
      CompletableFuture<Optional<Integer>> before = loader.load(1);
      assertThat(first.await(10, TimeUnit.SECONDS)).isTrue();
      CompletableFuture<Optional<Integer>> after = loader.load(1);
      go.countDown();
      assertThat(before.get(10, TimeUnit.SECONDS)).contains(1);
      assertThat(after.get(10, TimeUnit.SECONDS)).contains(2);
    }
  }

  @Test
  void calls_have_their_size_and_what_waits_is_bounded() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    BatchLoader<Integer, Integer> loader =
        LocalBatchLoader.builder(
                (List<Integer> keys) -> {
                  calls.add(keys);
                  await(go);
                  return Map.<Integer, Integer>of();
                })
            .maxBatchSize(2)
            .maxConcurrentBatches(1)
            .maxPending(3)
            .linger(Duration.ZERO)
            .build();
    List<CompletableFuture<Optional<Integer>>> values = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      values.add(loader.load(i));
    }
    assertThatThrownBy(() -> loader.load(4))
        .isInstanceOf(BatchException.class)
        .hasMessageContaining("3 keys wait");
    go.countDown();
    for (CompletableFuture<Optional<Integer>> value : values) {
      assertThat(value.get(10, TimeUnit.SECONDS)).isEmpty();
    }
    assertThat(calls).containsExactly(List.of(0), List.of(1, 2), List.of(3));
    loader.close();
    loader.close();
    assertThatThrownBy(() -> loader.load(1)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void closing_cancels_those_that_wait() {
    BatchLoader<Integer, String> loader = builder().linger(Duration.ofMinutes(1)).build();
    CompletableFuture<Optional<String>> value = loader.load(1);
    loader.close();
    assertThat(value).isCancelled();
    assertThat(calls).isEmpty();
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted", e);
    }
  }
}
