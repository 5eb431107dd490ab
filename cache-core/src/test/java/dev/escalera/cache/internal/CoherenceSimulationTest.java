package dev.escalera.cache.internal;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The coherence protocol under every fault that it is made for, seed by seed. {@code
 * -Descalera.seeds=N} runs more of them, {@code -Descalera.seed=S} replays one.
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

  /** What each rule is for: without it, this seed yields a stale value. */
  @ParameterizedTest
  @CsvSource({
    "FILL_WITHOUT_EPOCH, 1",
    "NO_FENCE_ON_DISCONNECT, 14",
    "TAG_VERSION_BY_CLOCK, 1",
    "COUNTER_INSTEAD_OF_NONCE, 115",
    "LEASE_FROM_RECEIPT, 68",
    "JOIN_AFTER_INVALIDATION, 1",
    "ZOMBIE_ACCEPTED, 1",
  })
  void a_protocol_without_one_of_its_rules_is_caught(SimMutant mutant, long seed) {
    assertThat(new Simulation(seed, mutant).run().violations()).isNotEmpty();
    assertThat(new Simulation(seed, SimMutant.NONE).run().violations()).isEmpty();
  }
}
