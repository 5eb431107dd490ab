package dev.escalera.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;

@ResourceLock(Resources.SYSTEM_PROPERTIES)
class ModelTestTest {
  @AfterEach
  void clear() {
    System.clearProperty("escalera.seed");
    System.clearProperty("escalera.seeds");
  }

  @Test
  void each_seed_draws_its_own_numbers_and_the_same_ones_again() {
    List<Integer> first = new ArrayList<>();
    List<Integer> second = new ArrayList<>();
    ModelTest.named("draws").seeds(50).check((Random random) -> first.add(random.nextInt()));
    ModelTest.named("draws").seeds(50).check((Random random) -> second.add(random.nextInt()));

    assertThat(first).hasSize(50).doesNotHaveDuplicates().isEqualTo(second);
  }

  @Test
  void a_failure_names_its_seed_which_replays_it() {
    List<Integer> drawn = new ArrayList<>();
    Consumer<Random> failsOnceIn20 =
        random -> {
          int number = random.nextInt(20);
          drawn.add(number);
          if (number == 7) {
            throw new IllegalStateException("seven");
          }
        };
    Throwable failure = catchFailure(() -> ModelTest.named("luck").check(failsOnceIn20));
    String seed =
        String.valueOf(failure.getMessage()).replaceAll("\\D+", " ").trim().split(" ", -1)[0];
    assertThat(failure)
        .hasMessage("luck fails for seed %s (again by -Descalera.seed=%s)".formatted(seed, seed))
        .hasCauseInstanceOf(IllegalStateException.class);

    drawn.clear();
    System.setProperty("escalera.seed", seed);
    catchFailure(() -> ModelTest.named("luck").check(failsOnceIn20));
    assertThat(drawn).containsExactly(7);
  }

  @Test
  void failing_steps_are_dropped_down_to_those_that_matter() {
    Consumer<List<Integer>> failsOn3Then99 =
        steps -> {
          int three = steps.indexOf(3);
          if (three >= 0 && steps.lastIndexOf(99) > three) {
            throw new IllegalStateException("3 before 99");
          }
        };
    assertThatThrownBy(
            () ->
                ModelTest.named("order")
                    .check(
                        random -> IntStream.rangeClosed(1, 200).boxed().toList(), failsOn3Then99))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("fails for seed 1")
        .hasMessageEndingWith("fewest steps that fail (2 of 200):\n  3\n  99")
        .hasRootCauseMessage("3 before 99");
  }

  @Test
  void a_property_asks_for_more_seeds_but_never_fewer() {
    List<Integer> drawn = new ArrayList<>();
    System.setProperty("escalera.seeds", "300");
    ModelTest.named("more").seeds(10).check((Random random) -> drawn.add(random.nextInt()));
    assertThat(drawn).hasSize(300);

    drawn.clear();
    System.setProperty("escalera.seeds", "3");
    ModelTest.named("fewer").seeds(10).check((Random random) -> drawn.add(random.nextInt()));
    assertThat(drawn).hasSize(10);
  }

  @Test
  void a_number_of_seeds_must_be_positive() {
    assertThatThrownBy(() -> ModelTest.named("none").seeds(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("seeds must be positive but is 0");
  }

  private static Throwable catchFailure(Runnable test) {
    try {
      test.run();
    } catch (AssertionError e) {
      return e;
    }
    throw new IllegalStateException("the test did not fail");
  }
}
