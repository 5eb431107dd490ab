package dev.escalera.testkit;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Runs a test over many seeds, says which seed failed, and makes a failing list of steps short.
 *
 * <pre>{@code
 * ModelTest.named("the queue").seeds(500).check(
 *     random -> randomSteps(random),          // the same list for the same seed
 *     steps -> runAndCompareWithModel(steps)); // throws when the two differ
 * }</pre>
 *
 * <p>{@code -Descalera.seed=42} runs one seed again, {@code -Descalera.seeds=100000} more of them
 * than the test asks for, starting at the same first seed; anything but a number there is refused
 * with an IllegalArgumentException. Immutable.
 */
public final class ModelTest {
  private static final String ONE_SEED = "escalera.seed";
  private static final String MORE_SEEDS = "escalera.seeds";
  private static final int DEFAULT_SEEDS = 100;

  private final String name;
  private final int seeds;

  private ModelTest(String name, int seeds) {
    this.name = name;
    this.seeds = seeds;
  }

  /**
   * Makes a test of 100 seeds.
   *
   * @param name what is tested, for the message of a failure
   * @return the test, to be run by one of its methods
   */
  public static ModelTest named(String name) {
    return new ModelTest(name, DEFAULT_SEEDS);
  }

  /**
   * Returns the same test with another number of seeds.
   *
   * @param count a positive number
   * @return the test
   * @throws IllegalArgumentException if {@code count} is not positive
   */
  public ModelTest seeds(int count) {
    if (count <= 0) {
      throw new IllegalArgumentException("seeds must be positive but is " + count);
    }
    return new ModelTest(name, count);
  }

  /**
   * Runs a test that draws as it goes.
   *
   * @param test gets a source of randomness made from the seed, and throws if it fails
   * @throws AssertionError with the seed, if the test fails for one; its cause is the failure
   */
  public void check(Consumer<Random> test) {
    for (long seed : seedsToRun()) {
      try {
        test.accept(random(seed));
      } catch (Exception | AssertionError | StackOverflowError e) {
        throw failure(seed, "", e);
      }
    }
  }

  /**
   * Runs a test of steps; if they fail, drops steps until none can be dropped alone without the
   * failure going away or becoming one of another class.
   *
   * @param generate makes the steps, the same for the same seed
   * @param run runs the steps from the start, and throws if they fail
   * @param <S> the type of a step, whose toString tells it
   * @throws AssertionError with the seed and the steps that are left; its cause is their failure
   */
  public <S> void check(Function<Random, List<S>> generate, Consumer<List<S>> run) {
    for (long seed : seedsToRun()) {
      List<S> steps = List.copyOf(generate.apply(random(seed)));
      Throwable cause = failureOf(steps, run);
      if (cause != null) {
        Failing<S> fewest = shrink(new Failing<>(steps, cause), run);
        throw failure(seed, describe(fewest.steps(), steps.size()), fewest.cause());
      }
    }
  }

  private record Failing<S>(List<S> steps, Throwable cause) {}

  /**
   * Drops ever smaller parts while what is left still fails, at last single steps until none can
   * go: after Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input" (2002).
   */
  private static <S> Failing<S> shrink(Failing<S> first, Consumer<List<S>> run) {
    Failing<S> fewest = first;
    for (int part = first.steps().size() / 2; part > 1; part /= 2) {
      fewest = withoutParts(fewest, part, run);
    }
    int before;
    do {
      before = fewest.steps().size();
      fewest = withoutParts(fewest, 1, run);
    } while (fewest.steps().size() < before);
    return fewest;
  }

  private static <S> Failing<S> withoutParts(Failing<S> all, int part, Consumer<List<S>> run) {
    Failing<S> fewest = all;
    int from = 0;
    while (from < fewest.steps().size()) {
      List<S> fewer = new ArrayList<>(fewest.steps());
      fewer.subList(from, Math.min(from + part, fewer.size())).clear();
      Throwable cause = failureOf(List.copyOf(fewer), run);
      // Another failure would be another defect, or steps that make no sense without the others.
      if (cause != null && cause.getClass() == fewest.cause().getClass()) {
        fewest = new Failing<>(List.copyOf(fewer), cause);
      } else {
        from += part;
      }
    }
    return fewest;
  }

  private static <S> @Nullable Throwable failureOf(List<S> steps, Consumer<List<S>> run) {
    try {
      run.accept(steps);
      return null;
    } catch (Exception | AssertionError | StackOverflowError e) {
      return e;
    }
  }

  private static <S> String describe(List<S> steps, int before) {
    StringBuilder text = new StringBuilder();
    text.append("; steps that are left (").append(steps.size()).append(" of ").append(before);
    text.append("):");
    steps.forEach(step -> text.append("\n  ").append(step));
    return text.toString();
  }

  private AssertionError failure(long seed, String steps, Throwable cause) {
    String again = " fails for seed " + seed + " (again by -D" + ONE_SEED + "=" + seed + ")";
    return new AssertionError(name + again + steps, cause);
  }

  private long[] seedsToRun() {
    OptionalLong one = property(ONE_SEED);
    if (one.isPresent()) {
      return new long[] {one.getAsLong()};
    }
    return LongStream.rangeClosed(1, Math.max(seeds, property(MORE_SEEDS).orElse(seeds))).toArray();
  }

  private static OptionalLong property(String property) {
    String value = System.getProperty(property);
    if (value == null) {
      return OptionalLong.empty();
    }
    try {
      return OptionalLong.of(Long.parseLong(value));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "-D" + property + " must be a whole number but is '" + value + "'", e);
    }
  }

  /** Random's first draws hardly differ from one seed to the next, unless they are spread. */
  private static Random random(long seed) {
    return new Random(new SplittableRandom(seed).nextLong());
  }
}
