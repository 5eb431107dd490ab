package dev.escalera.cache.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The coherence protocol under every fault that it is made for, seed by seed. {@code
 * -Descalera.seeds=N} runs more of them, {@code -Descalera.seed=S} runs one alone.
 */
class CoherenceSimulationTest {
  private static final int SEEDS = Integer.getInteger("escalera.seeds", 1_000);

  @Test
  void no_seed_yields_a_stale_value() {
    Long one = Long.getLong("escalera.seed");
    long first = one == null ? 1 : one;
    long last = one == null ? SEEDS : one;
    long reads = 0;
    long changes = 0;
    for (long seed = first; seed <= last; seed++) {
      SimHistory history = new Simulation(seed, SimMutant.NONE).run();
      assertThat(history.violations()).as("seed " + seed).isEmpty();
      reads += history.reads();
      changes += history.changes();
    }
    assertThat(reads).as("reads that were checked").isGreaterThan(500 * (last - first + 1));
    assertThat(changes).as("changes that bind them").isGreaterThan(100 * (last - first + 1));
  }

  @Test
  void one_seed_is_one_history() {
    SimHistory one = new Simulation(7, SimMutant.NONE).run();
    SimHistory two = new Simulation(7, SimMutant.NONE).run();
    assertThat(one.reads()).isEqualTo(two.reads());
    assertThat(one.changes()).isEqualTo(two.changes());
  }

  /** What each rule is for: without it, one of the first seeds yields a stale value. */
  @ParameterizedTest
  @EnumSource(value = SimMutant.class, names = "NONE", mode = EnumSource.Mode.EXCLUDE)
  void a_protocol_without_one_of_its_rules_is_caught(SimMutant mutant) {
    assertThat(
            LongStream.rangeClosed(1, SEEDS)
                .anyMatch(seed -> !new Simulation(seed, mutant).run().violations().isEmpty()))
        .isTrue();
  }
}
