package dev.escalera.batch.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.batch.BatchExecutorBuilder;
import dev.escalera.batch.BatchOptions;
import dev.escalera.batch.WhenFull;
import dev.escalera.batch.WriteResult;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** When an engine sends what, in simulated time. */
class EngineTest {
  private static final Duration LATENCY = Duration.ofMillis(1);
  private static final Duration LINGER = Duration.ofMillis(5);

  private static final class Options extends BatchExecutorBuilder<Options> {
    Options() {
      super("engine", Duration.ZERO);
      callbacks(Runnable::run);
      linger(LINGER);
      backoff(Duration.ofMillis(1), Duration.ofMillis(1));
    }

    @Override
    protected Options self() {
      return this;
    }

    BatchOptions done() {
      return options();
    }
  }

  /** Of ten keys, by their last digit; knows when which batch came. */
  private final class Store implements Transport<Integer, Integer> {
    final List<Long> sentAt = new ArrayList<>();
    final List<Integer> sizes = new ArrayList<>();
    Reply reply = Reply.APPLIED;

    @Override
    public Prepared<Integer> prepare(Integer operation) {
      return Prepared.one(operation, operation % 10, 1, true, null);
    }

    @Override
    public CompletableFuture<List<Reply>> send(List<Integer> batch) {
      sentAt.add(scheduler.nanos());
      sizes.add(batch.size());
      List<Reply> replies = batch.stream().map(operation -> reply).toList();
      reply = Reply.APPLIED;
      CompletableFuture<List<Reply>> answer = new CompletableFuture<>();
      scheduler.after(LATENCY.toNanos(), () -> answer.complete(replies));
      return answer;
    }

    @Override
    public void close() {
      // Nothing is open.
    }
  }

  private final SimulatedScheduler scheduler = new SimulatedScheduler();
  private final Store store = new Store();

  private Engine<Integer, Integer> engine(Options options) {
    return new Engine<>(options.done(), store, Long.MAX_VALUE, scheduler, Instant.EPOCH);
  }

  @Test
  void an_operation_waits_for_others_no_longer_than_the_linger() {
    Engine<Integer, Integer> engine = engine(new Options());
    long start = scheduler.nanos();
    engine.submit(1);
    engine.submit(2);
    scheduler.runFor(LINGER.minusNanos(1));
    assertThat(store.sizes).isEmpty();
    scheduler.runUntilIdle();
    assertThat(store.sizes).containsExactly(2);
    assertThat(store.sentAt).containsExactly(start + LINGER.toNanos());
  }

  @Test
  void those_that_have_waited_for_their_turn_do_not_linger_again() {
    Engine<Integer, Integer> engine = engine(new Options());
    long start = scheduler.nanos();
    List<CompletableFuture<WriteResult>> results = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      results.add(engine.submit(i).toCompletableFuture());
    }
    scheduler.runUntilIdle();
    assertThat(results).allMatch(result -> result.join().applied());
    assertThat(store.sizes).hasSize(100).containsOnly(10);
    // A call after the other. The first lingers, and what came after it in that time.
    assertThat(scheduler.nanos() - start)
        .isLessThanOrEqualTo(LINGER.plus(LATENCY.multipliedBy(100)).toNanos());
  }

  @Test
  void one_that_is_sent_again_does_not_linger_again() {
    Engine<Integer, Integer> engine = engine(new Options());
    store.reply = Reply.notApplied(new IllegalStateException("not now"));
    CompletableFuture<WriteResult> result = engine.submit(1).toCompletableFuture();
    scheduler.runUntilIdle();
    assertThat(result.join().attempts()).isEqualTo(2);
    assertThat(store.sentAt.get(1) - store.sentAt.get(0))
        .isLessThanOrEqualTo(LATENCY.plusMillis(1).plusNanos(1).toNanos());
  }

  @Test
  void a_full_batch_does_not_linger() {
    Engine<Integer, Integer> engine = engine(new Options().maxBatchSize(3));
    long start = scheduler.nanos();
    for (int i = 0; i < 4; i++) {
      engine.submit(i);
    }
    assertThat(store.sizes).containsExactly(3);
    scheduler.runUntilIdle();
    assertThat(store.sizes).containsExactly(3, 1);
    assertThat(store.sentAt).containsExactly(start, start + LINGER.toNanos());
  }

  @Test
  void where_there_is_no_room_for_others_nothing_lingers() {
    Engine<Integer, Integer> engine =
        engine(new Options().maxPending(3).linger(Duration.ofHours(1)).whenFull(WhenFull.REJECT));
    for (int i = 0; i < 3; i++) {
      engine.submit(i);
    }
    assertThat(store.sizes).isEmpty();
    assertThatThrownBy(() -> engine.submit(3)).hasMessageContaining("has no room: 3");
    assertThat(store.sizes).containsExactly(3);
    scheduler.runFor(LATENCY);
    engine.submit(3);
    assertThat(engine.stats().applied()).isEqualTo(3);
  }
}
