package dev.escalera.cache.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.testkit.Node;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The coherence protocol under every fault that it is made for, seed by seed. {@code
 * -Descalera.seeds=N} runs more of them, {@code -Descalera.seed=S} runs one alone: it is the same
 * history in every JVM.
 */
class CoherenceSimulationTest {
  private static final long SEEDS = Long.getLong("escalera.seeds", 500);

  private static final int THREADS = 2;

  @Test
  void no_seed_yields_a_stale_value() throws InterruptedException {
    Long one = Long.getLong("escalera.seed");
    long first = one == null ? 1 : one;
    long last = one == null ? SEEDS : one;
    AtomicLong next = new AtomicLong(first);
    AtomicLong reads = new AtomicLong();
    AtomicLong changes = new AtomicLong();
    List<String> violations = Collections.synchronizedList(new ArrayList<>());
    // Threads of its own: those of a parallel stream are those that run tests.
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      threads.add(
          new Thread(
              () -> {
                for (long seed = next.getAndIncrement();
                    seed <= last;
                    seed = next.getAndIncrement()) {
                  String named = "seed " + seed + ": ";
                  SimHistory history = new Simulation(seed, SimMutant.NONE).run();
                  history.violations().forEach(each -> violations.add(named + each));
                  reads.addAndGet(history.reads());
                  changes.addAndGet(history.changes());
                }
              }));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(violations).isEmpty();
    assertThat(next).as("all were run").hasValue(last + 1 + THREADS);
    assertThat(reads).as("reads that were checked").hasValueGreaterThan(500 * (last - first + 1));
    assertThat(changes).as("changes that bind them").hasValueGreaterThan(100 * (last - first + 1));
  }

  /** Prints what a seed comes to. */
  static final class Print {
    public static void main(String[] seeds) {
      for (String seed : seeds) {
        System.out.println(print(Long.parseLong(seed)));
      }
    }
  }

  private static long print(long seed) {
    return new Simulation(seed, SimMutant.NONE).run().print();
  }

  @Test
  void one_seed_is_one_history_whatever_ran_before_and_in_every_jvm() {
    List<String> prints = LongStream.rangeClosed(1, 10).mapToObj(s -> "" + print(s)).toList();
    assertThat(prints).doesNotHaveDuplicates();
    // In an order of its own, so that each has another past.
    String[] seeds = {"9", "10", "3", "1", "2", "7", "4", "8", "6", "5"};
    try (Node jvm = Node.start(Print.class, seeds)) {
      for (String seed : seeds) {
        assertThat(jvm.readLine(Duration.ofMinutes(1)))
            .as("seed " + seed)
            .isEqualTo(prints.get(Integer.parseInt(seed) - 1));
      }
    }
  }

  /** What each rule is for: without it, its seed yields a stale value. */
  @ParameterizedTest
  @EnumSource(value = SimMutant.class, names = "NONE", mode = EnumSource.Mode.EXCLUDE)
  void a_protocol_without_one_of_its_rules_is_caught_by_its_seed(SimMutant mutant) {
    assertThat(new Simulation(mutant.seed, mutant).run().violations())
        .as(() -> "seed " + mutant.seed + "; the first that shows it is " + search(mutant))
        .isNotEmpty();
  }

  private static String search(SimMutant mutant) {
    return LongStream.rangeClosed(1, SEEDS)
        .filter(seed -> !new Simulation(seed, mutant).run().violations().isEmpty())
        .mapToObj(Long::toString)
        .findFirst()
        .orElse("none up to " + SEEDS);
  }
}
