package dev.escalera.testkit;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.LongStream;

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
 * than the test asks for, starting at the same first seed. Immutable.
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
        test.accept(new Random(seed));
      } catch (Exception | AssertionError e) {
        throw failure(seed, "", e);
      }
    }
  }

  /**
   * Runs a test of steps; if they fail, drops as many of them as it can while they still fail.
   *
   * @param generate makes the steps, the same for the same seed
   * @param run runs the steps from the start, and throws if they fail
   * @param <S> the type of a step, whose toString tells it
   * @throws AssertionError with the seed and the fewest steps found to fail; its cause is their
   *     failure
   */
  public <S> void check(Function<Random, List<S>> generate, Consumer<List<S>> run) {
    for (long seed : seedsToRun()) {
      List<S> steps = List.copyOf(generate.apply(new Random(seed)));
      try {
        run.accept(steps);
      } catch (Exception | AssertionError e) {
        Failing<S> fewest = shrink(new Failing<>(steps, e), run);
        throw failure(seed, describe(fewest.steps(), steps.size()), fewest.cause());
      }
    }
  }

  private record Failing<S>(List<S> steps, Throwable cause) {}

  /** Zeller and Hildebrandt's delta debugging: drop ever smaller parts while it still fails. */
  private static <S> Failing<S> shrink(Failing<S> first, Consumer<List<S>> run) {
    Failing<S> fewest = first;
    for (int part = Math.max(1, first.steps().size() / 2); part >= 1; part /= 2) {
      int from = 0;
      while (from < fewest.steps().size()) {
        List<S> fewer = new ArrayList<>(fewest.steps());
        fewer.subList(from, Math.min(from + part, fewer.size())).clear();
        try {
          run.accept(List.copyOf(fewer));
          from += part;
        } catch (Exception | AssertionError e) {
          fewest = new Failing<>(List.copyOf(fewer), e);
        }
      }
    }
    return fewest;
  }

  private static <S> String describe(List<S> steps, int before) {
    StringBuilder text = new StringBuilder();
    text.append("; fewest steps that fail (").append(steps.size()).append(" of ").append(before);
    text.append("):");
    steps.forEach(step -> text.append("\n  ").append(step));
    return text.toString();
  }

  private AssertionError failure(long seed, String steps, Throwable cause) {
    String again = " fails for seed " + seed + " (again by -D" + ONE_SEED + "=" + seed + ")";
    return new AssertionError(name + again + steps, cause);
  }

  private long[] seedsToRun() {
    Long one = Long.getLong(ONE_SEED);
    if (one != null) {
      return new long[] {one};
    }
    int count = Math.max(seeds, Integer.getInteger(MORE_SEEDS, seeds));
    return LongStream.rangeClosed(1, count).toArray();
  }
}
