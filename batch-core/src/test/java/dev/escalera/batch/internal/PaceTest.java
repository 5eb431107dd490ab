package dev.escalera.batch.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.batch.BatchExecutorBuilder;
import dev.escalera.batch.BatchOptions;
import dev.escalera.batch.BatchStats;
import dev.escalera.batch.RampUp;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** The rate of an engine against a store of some capacity, in simulated time. */
class PaceTest {
  private static final Duration LATENCY = Duration.ofMillis(20);

  private static final class Options extends BatchExecutorBuilder<Options> {
    Options() {
      super("paced", Duration.ZERO);
      callbacks(Runnable::run);
    }

    @Override
    protected Options self() {
      return this;
    }

    BatchOptions done() {
      return options();
    }
  }

  /** Takes so many operations a second, and refuses what is more. */
  private static final class Store implements Transport<Integer, Integer> {
    final SimulatedScheduler scheduler;
    double capacity;
    double tokens;
    long refilled;
    long taken;
    long refused;

    Store(SimulatedScheduler scheduler, double capacity) {
      this.scheduler = scheduler;
      this.capacity = capacity;
    }

    @Override
    public Prepared<Integer> prepare(Integer operation) {
      return Prepared.one(operation, null, 1, true, null);
    }

    @Override
    public CompletableFuture<List<Reply>> send(List<Integer> batch) {
      CompletableFuture<List<Reply>> answer = new CompletableFuture<>();
      scheduler.after(LATENCY.toNanos(), () -> answer.complete(replies(batch)));
      return answer;
    }

    private List<Reply> replies(List<Integer> batch) {
      long now = scheduler.nanos();
      tokens = Math.min(capacity / 5, tokens + capacity * (now - refilled) / 1e9);
      refilled = now;
      List<Reply> replies = new ArrayList<>();
      for (Integer operation : batch) {
        if (tokens >= 1) {
          tokens--;
          taken++;
          replies.add(Reply.APPLIED);
        } else {
          refused++;
          replies.add(Reply.overloaded(new IllegalStateException("too much: " + operation)));
        }
      }
      return replies;
    }

    @Override
    public void close() {
      // Nothing is open.
    }
  }

  private final SimulatedScheduler scheduler = new SimulatedScheduler();

  @Test
  void the_rate_follows_a_capacity_that_falls_and_rises() {
    Store store = new Store(scheduler, 5_000);
    Engine<Integer, Integer> engine = engine(store, new Options());
    List<Long> waits = new ArrayList<>();

    assertShare(store, engine, waits, 5_000, 20, 0.75);
    store.capacity = 500;
    feed(store, engine, waits, 10);
    assertShare(store, engine, waits, 500, 60, 0.75);
    store.capacity = 5_000;
    feed(store, engine, waits, 15);
    assertShare(store, engine, waits, 5_000, 30, 0.75);

    // No operation was left behind, and none was given up.
    scheduler.runUntilIdle();
    BatchStats stats = engine.stats();
    assertThat(stats.failed() + stats.unknown()).isZero();
    assertThat(stats.pending()).isZero();
    assertThat(waits.stream().mapToLong(wait -> wait).max().orElseThrow())
        .isLessThan(Duration.ofSeconds(90).toNanos());
  }

  @Test
  void without_a_sign_of_overload_there_is_no_bound() {
    Store store = new Store(scheduler, 1e9);
    store.tokens = 1e9;
    Engine<Integer, Integer> engine = engine(store, new Options());
    feed(store, engine, new ArrayList<>(), 2);
    assertThat(engine.stats().rateLimit()).isEmpty();
    // Ten batches of 500 every 20 ms.
    assertThat(store.taken).isGreaterThan(400_000);
  }

  @Test
  void a_ramp_is_kept_to_and_a_fleet_shares_it() {
    Store store = new Store(scheduler, 1e9);
    Engine<Integer, Integer> engine =
        engine(store, new Options().rampUp(RampUp.firestore().sharedBy(2)));
    feed(store, engine, new ArrayList<>(), 60);
    assertThat(store.taken).isBetween(250 * 55L, 250 * 61L);
    feed(store, engine, new ArrayList<>(), 240);
    long before = store.taken;
    feed(store, engine, new ArrayList<>(), 60);
    assertThat(store.taken - before).isBetween(375 * 55L, 375 * 61L);
  }

  @Test
  void a_ramp_of_some_time_ago_is_further_on() {
    RampUp ramp = RampUp.firestore();
    assertThat(ramp.perSecond(Duration.ofSeconds(299))).isEqualTo(500);
    assertThat(ramp.perSecond(Duration.ofMinutes(5))).isEqualTo(750);
    assertThat(ramp.perSecond(Duration.ofSeconds(-5))).isEqualTo(500);
    assertThat(ramp.perSecond(Duration.ofDays(300))).isInfinite();

    Store store = new Store(scheduler, 1e9);
    Engine<Integer, Integer> engine =
        engine(store, new Options().rampUp(ramp.since(Instant.EPOCH.minusSeconds(300))));
    feed(store, engine, new ArrayList<>(), 60);
    assertThat(store.taken).isBetween(750 * 55L, 750 * 61L);
  }

  private Engine<Integer, Integer> engine(Store store, Options options) {
    return new Engine<>(options.done(), store, Long.MAX_VALUE, scheduler, Instant.EPOCH);
  }

  private void assertShare(
      Store store,
      Engine<Integer, Integer> engine,
      List<Long> waits,
      double capacity,
      int seconds,
      double share) {
    long before = store.taken;
    long refusedBefore = store.refused;
    feed(store, engine, waits, seconds);
    double rate = (store.taken - before) / (double) seconds;
    assertThat(rate).as("rate at a capacity of %s", capacity).isGreaterThan(capacity * share);
    assertThat(store.refused - refusedBefore)
        .as("refused at a capacity of %s", capacity)
        .isLessThan((long) (capacity * seconds / 10));
  }

  /** Keeps the engine full for a time. */
  private void feed(Store store, Engine<Integer, Integer> engine, List<Long> waits, int seconds) {
    long end = scheduler.nanos() + Duration.ofSeconds(seconds).toNanos();
    while (scheduler.nanos() < end) {
      while (engine.stats().pending() < 10_000) {
        long submitted = scheduler.nanos();
        engine.submit(1).thenAccept(result -> waits.add(scheduler.nanos() - submitted));
      }
      scheduler.runFor(Duration.ofMillis(5));
    }
    assertThat(store.taken).isPositive();
  }
}
