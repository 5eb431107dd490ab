package dev.escalera.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
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
  void the_first_draws_of_neighbouring_seeds_cover_the_range() {
    int[] drawn = new int[10];
    ModelTest.named("spread")
        .seeds(500)
        .check((Random random) -> drawn[(int) (random.nextDouble() * 10)]++);

    // 50 each on average; with unmixed seeds all 500 fall on one tenth.
    assertThat(Arrays.stream(drawn).boxed())
        .allSatisfy(count -> assertThat(count).isBetween(25, 80));
  }

  @Test
  void steps_that_only_a_second_pass_can_drop_are_dropped() {
    // The last of equal steps can go only after the ones before it have gone.
    Consumer<List<Integer>> failsOnSorted =
        steps -> {
          if (steps.contains(1) && isSorted(steps)) {
            throw new IllegalStateException("sorted");
          }
        };
    assertThatThrownBy(
            () -> ModelTest.named("pass").check(random -> List.of(1, 2, 3, 4, 5), failsOnSorted))
        .hasMessageEndingWith("steps that are left (1 of 5):\n  1");
  }

  private static boolean isSorted(List<Integer> steps) {
    return steps.equals(IntStream.rangeClosed(1, steps.size()).boxed().toList());
  }

  @Test
  void shrinking_keeps_to_the_failure_that_was_found() {
    Consumer<List<Integer>> failsInTwoWays =
        steps -> {
          if (steps.size() < 3) {
            throw new IllegalArgumentException("too few steps to make sense");
          }
          throw new IllegalStateException("the defect");
        };
    assertThatThrownBy(
            () -> ModelTest.named("two").check(random -> List.of(1, 2, 3, 4, 5), failsInTwoWays))
        .hasMessageContaining("(3 of 5)")
        .hasRootCauseMessage("the defect");
  }

  @Test
  void an_endless_recursion_is_a_failure_with_a_seed() {
    assertThatThrownBy(() -> ModelTest.named("deep").check((Random random) -> recurse(1)))
        .isInstanceOf(AssertionError.class)
        .hasMessageStartingWith("deep fails for seed 1")
        .hasCauseInstanceOf(StackOverflowError.class);
  }

  @SuppressWarnings("InfiniteRecursion") // That is the test.
  private static int recurse(int depth) {
    return recurse(depth + 1) + depth;
  }

  @Test
  void a_property_that_is_no_number_is_refused() {
    System.setProperty("escalera.seed", "4x");
    assertThatThrownBy(() -> ModelTest.named("bad").check((Random random) -> {}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("-Descalera.seed must be a whole number but is '4x'");
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
        .hasMessageEndingWith("steps that are left (2 of 200):\n  3\n  99")
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
