package dev.escalera.batch;

import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * A bound of the rate that grows in steps, for stores that split their data as traffic grows.
 * Immutable.
 *
 * <p>Where several processes write, each takes its part: {@link #sharedBy} says how many they are,
 * {@link #since} when the first of them began.
 *
 * @param operationsPerSecond the bound of all processes together at first
 * @param factor what the bound is multiplied by at each step
 * @param every how long a step is
 * @param processes how many processes share it, each an equal part
 * @param begun when the growth began; empty for the start of the executor
 */
public record RampUp(
    long operationsPerSecond,
    double factor,
    Duration every,
    int processes,
    Optional<Instant> begun) {
  /**
   * Makes a bound.
   *
   * @param operationsPerSecond the bound of all processes together at first
   * @param factor what the bound is multiplied by at each step
   * @param every how long a step is
   * @param processes how many processes share it, each an equal part
   * @param begun when the growth began; empty for the start of the executor
   * @throws IllegalArgumentException if the rate or the number is less than 1, the factor not from
   *     1 to 100, or the step not from a second to a day
   */
  public RampUp {
    if (operationsPerSecond < 1) {
      throw new IllegalArgumentException(
          "operationsPerSecond is " + operationsPerSecond + ", expected at least 1");
    }
    if (!(factor >= 1 && factor <= 100)) {
      throw new IllegalArgumentException("factor is " + factor + ", expected 1 to 100");
    }
    if (every.compareTo(Duration.ofSeconds(1)) < 0 || every.compareTo(Duration.ofDays(1)) > 0) {
      throw new IllegalArgumentException(
          "every is "
              + every
              + ", expected "
              + Duration.ofSeconds(1)
              + " to "
              + Duration.ofDays(1));
    }
    if (processes < 1) {
      throw new IllegalArgumentException("processes is " + processes + ", expected at least 1");
    }
    Objects.requireNonNull(begun, "begun");
  }

  /**
   * Returns what Firestore asks for in a collection without traffic: 500 operations a second, and
   * half as many again every five minutes. See "Ramping up traffic" in Firestore's best practices.
   *
   * @return a bound for one process
   */
  public static RampUp firestore() {
    return new RampUp(500, 1.5, Duration.ofMinutes(5), 1, Optional.empty());
  }

  /**
   * Returns the same bound, shared.
   *
   * @param processes how many share it
   * @return a bound
   * @throws IllegalArgumentException if the value is less than 1
   */
  public RampUp sharedBy(int processes) {
    return new RampUp(operationsPerSecond, factor, every, processes, begun);
  }

  /**
   * Returns the same bound, of which some steps may be over already.
   *
   * @param begun when the growth began
   * @return a bound
   */
  public RampUp since(Instant begun) {
    return new RampUp(operationsPerSecond, factor, every, processes, Optional.of(begun));
  }

  /**
   * Returns the bound of one process.
   *
   * @param elapsed since the growth began; negative counts as zero
   * @return operations a second, infinite where the number would be too large
   */
  public double perSecond(Duration elapsed) {
    double steps = Math.max(0, elapsed.toNanos() / every.toNanos());
    return operationsPerSecond * Math.pow(factor, steps) / processes;
  }
}
