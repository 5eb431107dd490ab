package dev.escalera.batch.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.BatchExecutorBuilder;
import dev.escalera.batch.BatchOptions;
import dev.escalera.batch.BatchStats;
import dev.escalera.batch.WhenFull;
import dev.escalera.batch.WriteResult;
import dev.escalera.batch.WriteStatus;
import dev.escalera.testkit.ModelTest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The engine over a store that does its worst, in simulated time, compared with a model. */
class EngineModelTest {
  private static final int OPERATIONS = 150;

  /** The options of an executor, as a builder makes them. */
  private static final class Options extends BatchExecutorBuilder<Options> {
    Options() {
      super("simulated", Duration.ofSeconds(10));
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

  /** What was submitted, and what came of it. */
  private static final class Submitted {
    final SimulatedStore.Write write;
    final List<WriteResult> results = new ArrayList<>();

    Submitted(SimulatedStore.Write write) {
      this.write = write;
    }
  }

  @Test
  void whatever_the_store_does_results_are_true_and_keys_are_in_order() {
    ModelTest.named("the engine").seeds(400).check(random -> run(random, false));
  }

  @Test
  void with_fences_too_however_late_they_come() {
    ModelTest.named("the engine with fences").seeds(400).check(random -> run(random, true));
  }

  private static void run(Random random, boolean fences) {
    SimulatedScheduler scheduler = new SimulatedScheduler();
    SimulatedStore store = new SimulatedStore(scheduler, random, fences);
    store.trouble = random.nextDouble();
    int maxBatch = 1 + random.nextInt(20);
    int maxPending = 1 + random.nextInt(60);
    BatchOptions options =
        new Options()
            .maxBatchSize(maxBatch)
            .maxConcurrentBatches(1 + random.nextInt(5))
            .maxPending(maxPending)
            .maxPendingBytes(10L * (1 + random.nextInt(60)))
            .maxRetries(random.nextInt(5))
            .whenFull(WhenFull.REJECT)
            .done();
    Engine<SimulatedStore.Write, SimulatedStore.Write> engine =
        new Engine<>(options, store, 10L * (1 + random.nextInt(20)), scheduler, Instant.EPOCH);
    List<Submitted> all = new ArrayList<>();
    for (int id = 0; id < OPERATIONS; id++) {
      Submitted submitted = new Submitted(write(random, id));
      while (!submit(engine, submitted)) {
        awaitChange(engine, scheduler);
      }
      all.add(submitted);
      assertThat(engine.stats().pending()).isLessThanOrEqualTo(Math.max(maxPending, 3));
      for (int steps = random.nextInt(4); steps > 0; steps--) {
        scheduler.step();
      }
    }
    scheduler.runUntilIdle();

    assertThat(store.violations).isEmpty();
    assertThat(store.maxBatch).isLessThanOrEqualTo(maxBatch);
    checkRoom(engine, all);
    all.forEach(each -> checkResult(each, store));
    checkOrder(all, store);
  }

  /** Goes on until something is settled: before that there is no more room than there was. */
  private static void awaitChange(Engine<?, ?> engine, SimulatedScheduler scheduler) {
    long pending = engine.stats().pending();
    do {
      assertThat(scheduler.step()).as("there is room some time").isTrue();
    } while (engine.stats().pending() == pending);
  }

  private static SimulatedStore.Write write(Random random, int id) {
    int keys = random.nextInt(10) == 0 ? 2 + random.nextInt(2) : random.nextInt(8) == 0 ? 0 : 1;
    List<Object> own = new ArrayList<>();
    while (own.size() < keys) {
      Object key = "k" + random.nextInt(6);
      if (!own.contains(key)) {
        own.add(key);
      }
    }
    return new SimulatedStore.Write(
        id, own, random.nextBoolean(), random.nextInt(3) == 0, random.nextInt(40) == 0);
  }

  private static boolean submit(
      Engine<SimulatedStore.Write, SimulatedStore.Write> engine, Submitted submitted) {
    SimulatedStore.Write write = submitted.write;
    try {
      if (write.keys().size() < 2) {
        engine.submit(write).thenAccept(submitted.results::add);
      } else {
        List<SimulatedStore.Write> group = new ArrayList<>();
        for (Object key : write.keys()) {
          group.add(
              new SimulatedStore.Write(
                  write.id(),
                  List.of(key),
                  write.repeatable(),
                  write.idempotent(),
                  write.poison()));
        }
        engine
            .submitAtomic(group)
            .thenAccept(
                results -> {
                  assertThat(results.stream().map(WriteResult::status).distinct()).hasSize(1);
                  submitted.results.add(results.get(0));
                });
      }
      return true;
    } catch (BatchException full) {
      assertThat(full).hasMessageContaining("has no room");
      return false;
    }
  }

  private static void checkRoom(Engine<?, ?> engine, List<Submitted> all) {
    BatchStats stats = engine.stats();
    assertThat(stats.pending()).isZero();
    assertThat(stats.pendingBytes()).isZero();
    assertThat(stats.activeBatches()).isZero();
    assertThat(engine.dispatcher().keysTaken()).isZero();
    long weights = all.stream().mapToLong(each -> Math.max(1, each.write.keys().size())).sum();
    assertThat(stats.settled()).isEqualTo(weights);
  }

  private static void checkResult(Submitted submitted, SimulatedStore store) {
    assertThat(submitted.results).as("results of %s", submitted.write).hasSize(1);
    WriteResult result = submitted.results.get(0);
    int times = store.times.getOrDefault(submitted.write.id(), 0);
    boolean once = !submitted.write.repeatable() || submitted.write.idempotent();
    switch (result.status()) {
      case APPLIED -> assertThat(times).as("%s", submitted.write).isPositive();
      case ALREADY_APPLIED -> assertThat(submitted.write.idempotent() && times == 1).isTrue();
      case FAILED, NOT_ATTEMPTED -> assertThat(times).as("%s", result).isZero();
      default -> assertThat(times).isNotNegative();
    }
    if (once) {
      assertThat(times).as("%s is applied once at most", submitted.write).isLessThanOrEqualTo(1);
    }
    if (submitted.write.poison()) {
      assertThat(result.status()).isIn(WriteStatus.FAILED, WriteStatus.UNKNOWN);
    }
  }

  /** Of each key, no operation is applied after a later one was. */
  private static void checkOrder(List<Submitted> all, SimulatedStore store) {
    Map<Integer, Integer> place = new HashMap<>();
    for (int i = 0; i < all.size(); i++) {
      place.put(all.get(i).write.id(), i);
    }
    store.applied.forEach(
        (key, ids) -> assertThat(ids.stream().map(place::get)).as("key %s", key).isSorted());
  }
}
