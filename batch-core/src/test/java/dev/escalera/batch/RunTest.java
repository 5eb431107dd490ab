package dev.escalera.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.batch.local.LocalBatchExecutor;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs: publishers, lanes, failures, checkpoints, meters. */
class RunTest {
  private final List<Integer> written = Collections.synchronizedList(new ArrayList<>());

  private LocalBatchExecutor.Builder<Integer, Integer> builder(Predicate<Integer> refused) {
    return LocalBatchExecutor.builder(
            (List<Integer> batch) -> {
              batch.stream().filter(refused.negate()).forEach(written::add);
              return batch;
            },
            (Integer result) ->
                refused.test(result)
                    ? Optional.of(new IllegalStateException("refused " + result))
                    : Optional.<Throwable>empty())
        .repeatable(Integer::longValue);
  }

  private static Iterator<Integer> numbers(int count) {
    return IntStream.range(0, count).iterator();
  }

  @Test
  void a_publisher_is_read_as_there_is_room_and_its_error_ends_the_run() {
    try (BatchExecutor<Integer> executor = builder(i -> false).build()) {
      SubmissionPublisher<Integer> whole = new SubmissionPublisher<>();
      BatchRun all = executor.execute(whole, RunOptions.named("published"));
      for (int i = 0; i < 20_000; i++) {
        whole.submit(i);
      }
      whole.close();
      assertThat(all.join().progress().applied()).isEqualTo(20_000);
      assertThat(written).hasSize(20_000);

      SubmissionPublisher<Integer> broken = new SubmissionPublisher<>();
      BatchRun run = executor.execute(broken, RunOptions.named("broken"));
      IntStream.range(0, 10).forEach(broken::submit);
      broken.closeExceptionally(new IllegalStateException("the source is gone"));
      assertThatThrownBy(run::join)
          .isInstanceOf(BatchException.class)
          .hasMessageMatching("run \"broken\" ended at index \\d+: the source is gone");
      assertThat(run.progress().applied()).isEqualTo(run.progress().submitted());
    }
  }

  @Test
  void a_run_over_a_publisher_that_is_silent_can_be_cancelled() {
    try (BatchExecutor<Integer> executor = builder(i -> false).build();
        SubmissionPublisher<Integer> publisher = new SubmissionPublisher<>()) {
      BatchRun run = executor.execute(publisher, RunOptions.named("silent"));
      publisher.submit(1);
      run.cancel();
      assertThat(run.join().progress().submitted()).isLessThanOrEqualTo(1);
    }
  }

  @Test
  void every_failure_is_told_and_the_report_has_the_first() {
    List<Long> told = Collections.synchronizedList(new ArrayList<>());
    try (BatchExecutor<Integer> executor = builder(i -> i % 2 == 0).build()) {
      BatchReport report =
          executor
              .execute(
                  numbers(10_000),
                  RunOptions.named("halves")
                      .onFailure(
                          failure -> {
                            told.add(failure.index());
                            if (failure.index() == 4) {
                              throw new IllegalStateException("a fault of the one who is told");
                            }
                          }))
              .join();
      assertThat(report.failures()).hasSize(100);
      assertThat(report.progress().failed()).isEqualTo(5_000);
      assertThat(told).hasSize(5_000).doesNotHaveDuplicates();
    }
  }

  @Test
  void a_run_has_no_more_batches_in_flight_than_its_own_and_others_go_on() throws Exception {
    AtomicInteger inFlight = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    CountDownLatch go = new CountDownLatch(1);
    CountDownLatch two = new CountDownLatch(2);
    try (BatchExecutor<Integer> executor =
        LocalBatchExecutor.builder(
                (List<Integer> batch) -> {
                  if (batch.get(0) >= 0) {
                    most.accumulateAndGet(inFlight.incrementAndGet(), Math::max);
                    two.countDown();
                    await(go);
                    inFlight.decrementAndGet();
                  }
                  return batch;
                },
                (Integer result) -> Optional.<Throwable>empty())
            .maxBatchSize(10)
            .build()) {
      BatchRun run =
          executor.execute(numbers(1_000), RunOptions.named("lane").maxConcurrentBatches(2));
      assertThat(two.await(10, TimeUnit.SECONDS)).isTrue();
      // A single one is not behind the thousand.
      assertThat(executor.submit(-1).toCompletableFuture().get(10, TimeUnit.SECONDS).applied())
          .isTrue();
      go.countDown();
      assertThat(run.join().allApplied()).isTrue();
      assertThat(most.get()).isEqualTo(2);
    }
  }

  @Test
  void a_function_that_is_all_or_nothing_is_divided_until_the_one_to_blame_is_alone()
      throws Exception {
    AtomicInteger calls = new AtomicInteger();
    try (BatchExecutor<Integer> executor =
        LocalBatchExecutor.builder(
                (List<Integer> batch) -> {
                  calls.incrementAndGet();
                  if (batch.contains(250) || batch.contains(251)) {
                    throw new IllegalStateException("rolled back");
                  }
                  written.addAll(batch);
                  return batch;
                },
                (Integer result) -> Optional.<Throwable>empty())
            .keyedBy(i -> i)
            .allOrNothing()
            .build()) {
      BatchReport report = executor.execute(numbers(500), RunOptions.named("poison")).join();
      assertThat(report.progress().applied()).isEqualTo(498);
      assertThat(report.failures())
          .extracting(WriteResult::index)
          .containsExactlyInAnyOrder(250L, 251L);
      assertThat(report.failures()).allMatch(f -> f.status() == WriteStatus.FAILED);
      assertThat(written).hasSize(498).doesNotHaveDuplicates();
      assertThat(calls.get()).isLessThan(40);

      List<WriteResult> group =
          executor
              .submitAtomic(List.of(1_000, 250, 1_001))
              .toCompletableFuture()
              .get(10, TimeUnit.SECONDS);
      assertThat(group).extracting(WriteResult::status).containsOnly(WriteStatus.FAILED);
      assertThat(written).doesNotContain(1_000, 1_001);
    }
    try (BatchExecutor<Integer> executor = builder(i -> false).build()) {
      assertThatThrownBy(() -> executor.submitAtomic(List.of(1)))
          .isInstanceOf(UnsupportedOperationException.class);
    }
  }

  @Test
  void a_cancelled_run_goes_on_from_its_checkpoint(@TempDir Path folder) {
    CheckpointStore store = LocalBatchExecutor.checkpoints(folder);
    RunOptions options = RunOptions.named("../some/run").checkpoint(store);
    try (BatchExecutor<Integer> executor = builder(i -> i == 5).maxPending(50).build()) {
      BatchRun run = executor.execute(numbers(1_000_000), options);
      while (run.progress().applied() < 100) {
        Thread.onSpinWait();
      }
      run.cancel();
      Progress cut = run.join().progress();
      assertThat(cut.settled() - cut.notAttempted()).isLessThan(1_000_000);
      int before = written.size();

      // It is known again by what it writes.
      BatchReport report = executor.execute(numbers(before + 500), options).join();
      assertThat(report.progress().applied()).isEqualTo(before + 499);
      assertThat(report.failures()).extracting(WriteResult::index).containsExactly(5L);
      assertThat(report.progress().resumed()).isPositive();
      assertThat(written).doesNotHaveDuplicates().hasSize(before + 499);

      // Once it is done it stays done.
      assertThat(executor.execute(numbers(before + 500), options).join().progress().resumed())
          .isEqualTo(before + 500);
      assertThat(written).hasSize(before + 499);
      store.delete("../some/run");
      assertThat(store.load("../some/run")).isEmpty();
    }
  }

  @Test
  void other_operations_than_those_of_the_checkpoint_are_refused_before_anything_is_sent(
      @TempDir Path folder) {
    RunOptions options = RunOptions.named("run").checkpoint(LocalBatchExecutor.checkpoints(folder));
    try (BatchExecutor<Integer> executor = builder(i -> false).build()) {
      executor.execute(numbers(1_000), options).join();
      written.clear();
      BatchRun other = executor.execute(IntStream.range(1, 2_000).iterator(), options);
      assertThatThrownBy(other::join)
          .isInstanceOf(BatchException.class)
          .hasMessageContaining("are not those of its checkpoint");
      BatchRun fewer = executor.execute(numbers(999), options);
      assertThatThrownBy(fewer::join).hasMessageContaining("were 1000 or more, and are 999 now");
      assertThat(written).isEmpty();
    }
  }

  @Test
  void a_run_stops_when_its_checkpoint_can_keep_no_more_failures(@TempDir Path folder) {
    RunOptions options = RunOptions.named("run").checkpoint(LocalBatchExecutor.checkpoints(folder));
    try (BatchExecutor<Integer> executor = builder(i -> true).maxPending(100).build()) {
      BatchRun run = executor.execute(numbers(1_000_000), options);
      assertThatThrownBy(run::join)
          .isInstanceOf(BatchException.class)
          .hasMessageContaining("1000, were not applied");
      assertThat(run.progress().submitted()).isLessThan(1_500);
    }
  }

  @Test
  void what_cannot_be_repeated_is_refused_with_a_checkpoint(@TempDir Path folder) {
    try (BatchExecutor<Integer> executor =
        LocalBatchExecutor.builder(
                (List<Integer> batch) -> batch, (Integer result) -> Optional.<Throwable>empty())
            .build()) {
      BatchRun run =
          executor.execute(
              numbers(10),
              RunOptions.named("run").checkpoint(LocalBatchExecutor.checkpoints(folder)));
      assertThatThrownBy(run::join)
          .isInstanceOf(BatchException.class)
          .hasMessageContaining("cannot be repeated safely");
    }
  }

  @Test
  void a_broken_checkpoint_is_told_and_nothing_is_sent(@TempDir Path folder) throws Exception {
    RunOptions options = RunOptions.named("run").checkpoint(LocalBatchExecutor.checkpoints(folder));
    try (BatchExecutor<Integer> executor = builder(i -> false).build()) {
      executor.execute(numbers(10), options).join();
      written.clear();
      try (var files = Files.list(folder)) {
        Path file = files.findFirst().orElseThrow();
        byte[] bytes = Files.readAllBytes(file);
        bytes[15] ^= 1;
        Files.write(file, bytes);
      }
      BatchRun run = executor.execute(numbers(10), options);
      assertThatThrownBy(run::join).hasMessageContaining("cannot be read");
      assertThat(written).isEmpty();
    }
  }

  @Test
  void a_store_that_cannot_save_ends_the_run() {
    CheckpointStore broken =
        new CheckpointStore() {
          private int saves;

          @Override
          public Optional<byte[]> load(String name) {
            return Optional.empty();
          }

          @Override
          public void save(String name, byte[] checkpoint) {
            if (saves++ > 0) {
              throw new BatchException("the disk is full", null);
            }
          }

          @Override
          public void delete(String name) {
            throw new UnsupportedOperationException();
          }
        };
    try (BatchExecutor<Integer> executor =
        builder(i -> false)
            .maxPending(100)
            .backoff(Duration.ofMillis(1), Duration.ofMillis(4))
            .build()) {
      BatchRun run =
          executor.execute(numbers(1_000_000), RunOptions.named("run").checkpoint(broken));
      assertThatThrownBy(run::join).hasMessageContaining("the disk is full");
      // No further ahead of what is saved than the window.
      assertThat(written).hasSizeLessThanOrEqualTo(100);
    }
  }

  @Test
  void meters_and_stats_say_the_same_and_meters_end_with_the_executor() throws Exception {
    MeterRegistry registry = new SimpleMeterRegistry();
    BatchExecutor<Integer> executor =
        builder(i -> i == 3).name("metered").meterRegistry(registry).build();
    executor.execute(numbers(1_000), RunOptions.named("run")).join();
    BatchStats stats = executor.stats();
    assertThat(stats.name()).isEqualTo("metered");
    assertThat(stats.applied()).isEqualTo(999);
    assertThat(stats.failed()).isEqualTo(1);
    assertThat(stats.settled()).isEqualTo(1_000);
    assertThat(stats.errorRate()).isEqualTo(0.001);
    assertThat(stats.pending()).isZero();
    assertThat(stats.activeBatches()).isZero();
    assertThat(stats.batches()).isPositive();
    assertThat(stats.averageBatchTime()).isPositive();
    assertThat(
            registry
                .get("escalera.batch.operations")
                .tags("name", "metered", "outcome", "applied")
                .functionCounter()
                .count())
        .isEqualTo(999);
    assertThat(registry.get("escalera.batch.batches").timer().count()).isEqualTo(stats.batches());
    assertThat(registry.get("escalera.batch.pending").gauge().value()).isZero();
    executor.close();
    assertThat(registry.getMeters()).isEmpty();
  }

  @Test
  void a_submission_waits_for_room_no_longer_than_it_may() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    try (BatchExecutor<Integer> executor =
        LocalBatchExecutor.builder(
                (List<Integer> batch) -> {
                  await(go);
                  return batch;
                },
                (Integer result) -> Optional.<Throwable>empty())
            .maxPending(1)
            .maxWait(Duration.ofMillis(50))
            .build()) {
      executor.submit(1);
      assertThatThrownBy(() -> executor.submit(2))
          .isInstanceOf(BatchException.class)
          .hasMessageContaining("has no room: 1");
      go.countDown();
      assertThat(executor.flush(Duration.ofMinutes(1))).isZero();
      assertThat(executor.stats().applied()).isEqualTo(1);
    }
  }

  @Test
  void stages_are_complete_when_a_flush_has_ended_and_a_callback_that_blocks_keeps_no_one()
      throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    ExecutorService callbacks = Executors.newCachedThreadPool();
    try (BatchExecutor<Integer> executor = builder(i -> false).callbacks(callbacks).build()) {
      for (int i = 0; i < 100; i++) {
        var result = executor.submit(i).toCompletableFuture();
        assertThat(executor.flush(Duration.ofMinutes(1))).isZero();
        assertThat(result).isDone();
      }
      executor.submit(1).thenAccept(result -> await(never));
      assertThat(executor.flush(Duration.ofMinutes(1))).isZero();
      assertThat(executor.submit(2).toCompletableFuture().get(10, TimeUnit.SECONDS).applied())
          .isTrue();
      assertThat(executor.stats().pending()).isZero();
    } finally {
      never.countDown();
      callbacks.shutdownNow();
    }
  }

  @Test
  void an_executor_for_callbacks_that_refuses_them_loses_no_result() throws Exception {
    ExecutorService callbacks = Executors.newSingleThreadExecutor();
    callbacks.shutdownNow();
    try (BatchExecutor<Integer> executor = builder(i -> false).callbacks(callbacks).build()) {
      assertThat(executor.submit(1).toCompletableFuture().get(10, TimeUnit.SECONDS).applied())
          .isTrue();
    }
  }

  @Test
  void a_null_of_the_source_ends_the_run_with_its_index_and_what_was_read_is_settled() {
    try (BatchExecutor<Integer> executor = builder(i -> false).build()) {
      BatchRun run =
          executor.execute(Arrays.asList(1, 2, null, 4).iterator(), RunOptions.named("holes"));
      assertThatThrownBy(run::join)
          .isInstanceOf(BatchException.class)
          .hasMessage("run \"holes\" ended at index 2: the source yielded null")
          .hasCauseInstanceOf(NullPointerException.class);
      assertThat(run.progress().applied()).isEqualTo(2);
      assertThat(written).containsExactly(1, 2);
    }
  }

  @Test
  void bad_options_are_refused_by_name() {
    var options = builder(i -> false);
    assertThatThrownBy(() -> options.maxBatchSize(501))
        .hasMessage("maxBatchSize is 501, expected 1 to 500");
    assertThatThrownBy(() -> options.maxPending(0)).hasMessageStartingWith("maxPending is 0");
    assertThatThrownBy(() -> options.linger(Duration.ofMillis(-1)))
        .hasMessageStartingWith("linger is PT-0.001S");
    assertThatThrownBy(() -> options.backoff(Duration.ofSeconds(2), Duration.ofSeconds(1)))
        .hasMessageContaining("expected at least the first");
    assertThatThrownBy(() -> options.maxWait(Duration.ZERO)).hasMessageStartingWith("maxWait");
    assertThatThrownBy(() -> options.name(" ")).hasMessageStartingWith("name is");
    assertThatThrownBy(() -> RampUp.firestore().sharedBy(0)).hasMessageStartingWith("processes");
    assertThatThrownBy(() -> RunOptions.named("x").maxConcurrentBatches(0))
        .hasMessageStartingWith("maxConcurrentBatches is 0");
    assertThatThrownBy(() -> RunOptions.named("")).isInstanceOf(IllegalArgumentException.class);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted", e);
    }
  }
}
