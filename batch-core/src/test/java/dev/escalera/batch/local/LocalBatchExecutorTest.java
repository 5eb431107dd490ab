package dev.escalera.batch.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.BatchExecutorContract;
import dev.escalera.batch.BatchRun;
import dev.escalera.batch.ConsoleProgress;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.Progress;
import dev.escalera.batch.RunOptions;
import dev.escalera.batch.Transform;
import dev.escalera.batch.WhenFull;
import dev.escalera.batch.WriteResult;
import dev.escalera.batch.WriteStatus;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LocalBatchExecutorTest extends BatchExecutorContract {
  private final Map<String, Map<String, @Nullable Object>> documents = new ConcurrentHashMap<>();

  /** A result of a host's own kind. */
  private record Answer(Optional<RuntimeException> failure) {}

  @Override
  protected BatchExecutor<DocumentWrite> create() {
    return LocalBatchExecutor.builder(
            (List<DocumentWrite> writes) -> writes.stream().map(this::apply).toList(),
            Answer::failure)
        .keyedBy(DocumentWrite::id)
        .build();
  }

  @Override
  protected Optional<Map<String, @Nullable Object>> read(String id) {
    return Optional.ofNullable(documents.get(id));
  }

  private Answer apply(DocumentWrite write) {
    Map<String, @Nullable Object> old = documents.get(write.id());
    Map<String, @Nullable Object> changed = old == null ? new HashMap<>() : new HashMap<>(old);
    boolean exists = old != null;
    switch (write.kind()) {
      case DELETE -> {
        documents.remove(write.id());
        return new Answer(Optional.empty());
      }
      case SET -> changed = new HashMap<>();
      case CREATE -> {
        if (exists) {
          return refused("exists");
        }
      }
      case UPDATE -> {
        if (!exists) {
          return refused("missing");
        }
      }
      default -> {}
    }
    for (Map.Entry<String, @Nullable Object> field : write.fields().entrySet()) {
      if (field.getValue() instanceof String text && text.length() > 1 << 20) {
        return refused("expected at most 1048576");
      }
      Object value = field.getValue();
      if (value instanceof Transform.Increment increment) {
        value = (Long) changed.getOrDefault(field.getKey(), 0L) + increment.by();
      }
      changed.put(field.getKey(), value);
    }
    documents.put(write.id(), changed);
    return new Answer(Optional.empty());
  }

  private static Answer refused(String why) {
    return new Answer(Optional.of(new IllegalStateException(why)));
  }

  @Test
  void batches_close_at_their_size_or_after_the_linger() {
    List<Integer> sizes = new ArrayList<>();
    try (BatchExecutor<Integer> executor =
        LocalBatchExecutor.builder(
                (List<Integer> batch) -> {
                  sizes.add(batch.size());
                  return batch;
                },
                (Integer result) -> Optional.<Throwable>empty())
            .maxBatchSize(100)
            .maxConcurrentBatches(1)
            .linger(Duration.ofHours(1))
            .build()) {
      for (int i = 0; i < 250; i++) {
        executor.submit(i);
      }
      assertThat(executor.flush(Duration.ofMinutes(1))).isZero();
    }
    assertThat(sizes).containsExactly(100, 100, 50);
  }

  @Test
  void a_function_that_throws_or_answers_short_leaves_its_batch_unknown() throws Exception {
    try (BatchExecutor<Integer> executor =
        LocalBatchExecutor.builder(
                (List<Integer> batch) -> {
                  if (batch.contains(1)) {
                    throw new IllegalStateException("the line is down");
                  }
                  return batch.contains(2) ? List.<Integer>of() : batch;
                },
                (Integer result) -> Optional.<Throwable>empty())
            .maxBatchSize(1)
            .build()) {
      assertThat(settled(executor.submit(1)).status()).isEqualTo(WriteStatus.UNKNOWN);
      assertThat(settled(executor.submit(2)).status()).isEqualTo(WriteStatus.UNKNOWN);
      assertThat(settled(executor.submit(2)).cause().orElseThrow())
          .hasMessageContaining("0 results for 1 operations");
      assertThat(settled(executor.submit(3)).status()).isEqualTo(WriteStatus.APPLIED);
    }
  }

  @Test
  void a_function_that_never_returns_does_not_hold_up_the_end() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    BatchExecutor<Integer> executor =
        LocalBatchExecutor.builder(
                (List<Integer> batch) -> await(never, batch),
                (Integer result) -> Optional.<Throwable>empty())
            .maxBatchSize(1)
            .maxConcurrentBatches(1)
            .build();
    CompletionStage<WriteResult> sent = executor.submit(1);
    CompletionStage<WriteResult> unsent = executor.submit(2);

    assertThat(executor.flush(Duration.ofMillis(50))).isEqualTo(2);
    assertThat(executor.close(Duration.ofMillis(50))).isEqualTo(2);

    assertThat(settled(sent).status()).isEqualTo(WriteStatus.UNKNOWN);
    assertThat(settled(unsent).status()).isEqualTo(WriteStatus.NOT_ATTEMPTED);
  }

  @Test
  void a_full_executor_rejects_or_blocks_and_has_room_again() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    try (BatchExecutor<Integer> executor =
        LocalBatchExecutor.builder(
                (List<Integer> batch) -> await(go, batch),
                (Integer result) -> Optional.<Throwable>empty())
            .maxPending(2)
            .whenFull(WhenFull.REJECT)
            .build()) {
      CompletionStage<WriteResult> one = executor.submit(1);
      CompletionStage<WriteResult> two = executor.submit(2);
      assertThatThrownBy(() -> executor.submit(3))
          .isInstanceOf(BatchException.class)
          .hasMessageContaining("has no room: 2");
      go.countDown();
      assertThat(settled(one).applied() && settled(two).applied()).isTrue();
      assertThat(settled(executor.submit(3)).applied()).isTrue();
    }
  }

  @Test
  void a_run_waits_for_room_even_where_a_submission_is_rejected_and_never_for_what_cannot_come() {
    try (BatchExecutor<Integer> executor =
        LocalBatchExecutor.builder(
                (List<Integer> batch) -> batch, (Integer result) -> Optional.<Throwable>empty())
            .maxPending(10)
            .linger(Duration.ofHours(1))
            .whenFull(WhenFull.REJECT)
            .build()) {
      BatchRun run =
          executor.execute(IntStream.range(0, 5_003).iterator(), RunOptions.named("patient"));
      assertThat(run.join().progress().applied()).isEqualTo(5_003);
    }
  }

  @Test
  void what_is_submitted_while_the_executor_closes_is_refused_or_settled() throws Exception {
    for (int round = 0; round < 100; round++) {
      BatchExecutor<Integer> executor =
          LocalBatchExecutor.builder(
                  (List<Integer> batch) -> batch, (Integer result) -> Optional.<Throwable>empty())
              .build();
      List<CompletionStage<WriteResult>> taken = Collections.synchronizedList(new ArrayList<>());
      List<Thread> submitters = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        submitters.add(new Thread(() -> submitUntilClosed(executor, taken)));
      }
      submitters.forEach(Thread::start);
      executor.close(Duration.ofSeconds(10));
      for (Thread submitter : submitters) {
        submitter.join();
      }
      for (CompletionStage<WriteResult> each : taken) {
        settled(each);
      }
    }
  }

  private static void submitUntilClosed(
      BatchExecutor<Integer> executor, List<CompletionStage<WriteResult>> taken) {
    while (true) {
      try {
        taken.add(executor.submit(1));
      } catch (IllegalStateException e) {
        // Closed: what this test waits for.
        return;
      }
    }
  }

  @Test
  void a_million_pass_through_little_room_in_order() {
    AtomicInteger most = new AtomicInteger();
    AtomicInteger inFlight = new AtomicInteger();
    int[] last = new int[10];
    try (BatchExecutor<Integer> executor =
        LocalBatchExecutor.builder(
                (List<Integer> batch) -> {
                  most.accumulateAndGet(inFlight.addAndGet(batch.size()), Math::max);
                  for (int number : batch) {
                    if (number < 50_000) {
                      assertThat(number).isGreaterThanOrEqualTo(last[number % 10]);
                      last[number % 10] = number;
                    }
                  }
                  inFlight.addAndGet(-batch.size());
                  return batch;
                },
                (Integer result) -> Optional.<Throwable>empty())
            .keyedBy(number -> number < 50_000 ? number % 10 : null)
            .maxPending(1_000)
            .maxConcurrentBatches(1)
            .linger(Duration.ZERO)
            .build()) {
      BatchRun run =
          executor.execute(
              IntStream.range(0, 1_000_000).iterator(),
              RunOptions.named("million").total(1_000_000));
      assertThat(run.join().allApplied()).isTrue();
      assertThat(run.progress().timeLeft()).contains(Duration.ZERO);
    }
    assertThat(most.get()).isLessThanOrEqualTo(1_000);
  }

  @Test
  void whatever_the_function_does_each_operation_has_one_result() throws Exception {
    long seed = Long.getLong("escalera.seed", 20261124L);
    Random random = new Random(seed);
    AtomicInteger results = new AtomicInteger();
    BatchExecutor<Integer> executor =
        LocalBatchExecutor.builder(
                (List<Integer> batch) -> chaos(random, batch), (Integer result) -> failure(result))
            .keyedBy(number -> number % 50)
            .maxBatchSize(20)
            .maxPending(100)
            .build();
    List<CompletionStage<WriteResult>> all = new ArrayList<>();
    for (int i = 0; i < 5_000; i++) {
      all.add(
          executor
              .submit(i)
              .thenApply(
                  result -> {
                    results.incrementAndGet();
                    return result;
                  }));
    }
    assertThat(executor.flush(Duration.ofMinutes(1))).as("seed %d", seed).isZero();
    for (CompletionStage<WriteResult> each : all) {
      settled(each);
    }
    assertThat(results).hasValue(5_000);
    executor.close();
  }

  @Test
  void a_cancelled_run_gives_up_what_was_not_sent() throws Exception {
    CountDownLatch sending = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    try (BatchExecutor<Integer> executor =
        LocalBatchExecutor.builder(
                (List<Integer> batch) -> {
                  sending.countDown();
                  return await(go, batch);
                },
                (Integer result) -> Optional.<Throwable>empty())
            .maxBatchSize(10)
            .maxConcurrentBatches(1)
            .maxPending(100)
            .build()) {
      BatchRun run =
          executor.execute(IntStream.range(0, 1_000_000).iterator(), RunOptions.named("long"));
      assertThat(sending.await(10, TimeUnit.SECONDS)).isTrue();
      // More than the batch that is being sent.
      while (run.progress().submitted() <= 10) {
        Thread.onSpinWait();
      }
      run.cancel();
      go.countDown();
      Progress end = run.join().progress();
      assertThat(end.notAttempted()).isPositive();
      assertThat(end.applied() + end.notAttempted())
          .isEqualTo(end.submitted())
          .isLessThan(1_000_000);
    }
  }

  @Test
  void a_listener_that_blocks_or_throws_holds_up_nothing() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    List<Progress> seen = new ArrayList<>();
    try (BatchExecutor<Integer> executor =
        LocalBatchExecutor.builder(
                (List<Integer> batch) -> batch, (Integer result) -> Optional.<Throwable>empty())
            .build()) {
      CountDownLatch last = new CountDownLatch(1);
      BatchRun run =
          executor.execute(
              IntStream.range(0, 10_000).iterator(), RunOptions.named("watched").total(10_000));
      run.onProgress(Duration.ofMillis(1), progress -> awaitQuietly(release));
      run.onProgress(
          Duration.ofMillis(1),
          progress -> {
            throw new IllegalStateException("a listener's own fault");
          });
      run.onProgress(
          Duration.ofMillis(1),
          progress -> {
            seen.add(progress);
            if (progress.settled() == 10_000) {
              last.countDown();
            }
          });
      assertThat(run.join().allApplied()).isTrue();
      assertThat(last.await(10, TimeUnit.SECONDS)).isTrue();
      release.countDown();
    }
    assertThat(seen)
        .allSatisfy(
            p ->
                assertThat(p.submitted())
                    .isEqualTo(
                        p.inFlight() + p.applied() + p.failed() + p.unknown() + p.notAttempted()));
  }

  @Test
  void progress_is_a_bar_on_a_terminal_and_lines_elsewhere() {
    Progress half =
        new Progress(
            "fill", 600, 100, 499, 1, 0, 0, 0, 0, 0, Duration.ofSeconds(5), OptionalLong.of(1_000));
    Progress all =
        new Progress(
            "fill",
            1_000,
            0,
            1_000,
            0,
            0,
            0,
            0,
            0,
            0,
            Duration.ofSeconds(8),
            OptionalLong.of(1_000));

    assertThat(printed(false, half, all))
        .isEqualTo(
            "fill: 500 of 1,000, 100/s, 5 s left, 1 failed, 0 unknown\nfill: 1,000 of 1,000, 125/s\n");
    assertThat(printed(true, half, all))
        .startsWith("\rfill: [############............] 500 of 1,000, 100/s, 5 s left")
        .contains("\rfill: [########################] 1,000 of 1,000, 125/s ")
        .endsWith("\n");
  }

  private static String printed(boolean terminal, Progress... progress) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ConsoleProgress console =
        new ConsoleProgress(new PrintStream(bytes, true, StandardCharsets.UTF_8), terminal);
    for (Progress each : progress) {
      console.accept(each);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  private static synchronized List<Integer> chaos(Random random, List<Integer> batch) {
    return switch (random.nextInt(5)) {
      case 0 -> throw new IllegalStateException("chaos");
      case 1 -> batch.subList(0, batch.size() / 2);
      default -> batch.stream().map(number -> random.nextInt(3)).toList();
    };
  }

  private static Optional<Throwable> failure(int result) {
    return result == 0 ? Optional.of(new IllegalStateException("refused")) : Optional.empty();
  }

  private static <T> T await(CountDownLatch latch, T value) {
    awaitQuietly(latch);
    return value;
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted", e);
    }
  }

  private static WriteResult settled(CompletionStage<WriteResult> result) throws Exception {
    return result.toCompletableFuture().get(60, TimeUnit.SECONDS);
  }
}
