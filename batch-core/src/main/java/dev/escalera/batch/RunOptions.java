package dev.escalera.batch;

import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * How a run is done. Immutable.
 *
 * @param name names the run in messages and its checkpoint
 * @param total how many operations there will be, if that is known; the time left is estimated by
 *     it
 * @param maxConcurrentBatches how many batches of the run are in flight at most, if fewer than the
 *     executor allows
 * @param checkpoint where the run keeps how far it is, if it shall be able to go on in another
 *     process
 * @param failures who is told each result that is not applied, if anyone
 */
public record RunOptions(
    String name,
    OptionalLong total,
    OptionalInt maxConcurrentBatches,
    Optional<CheckpointStore> checkpoint,
    Optional<Consumer<? super WriteResult>> failures) {
  /**
   * Makes options.
   *
   * @param name names the run in messages and its checkpoint
   * @param total how many operations there will be, if that is known; the time left is estimated by
   *     it
   * @param maxConcurrentBatches how many batches of the run are in flight at most, if fewer than
   *     the executor allows
   * @param checkpoint where the run keeps how far it is, if it shall be able to go on in another
   *     process
   * @param failures who is told each result that is not applied, if anyone
   * @throws IllegalArgumentException if the name is blank, the total negative or the number of
   *     batches less than 1
   */
  public RunOptions {
    if (Objects.requireNonNull(name, "name").isBlank()) {
      throw new IllegalArgumentException("name is \"" + name + "\", expected some text");
    }
    if (total.isPresent() && total.getAsLong() < 0) {
      throw new IllegalArgumentException("total is " + total.getAsLong() + ", expected at least 0");
    }
    if (maxConcurrentBatches.isPresent() && maxConcurrentBatches.getAsInt() < 1) {
      throw new IllegalArgumentException(
          "maxConcurrentBatches is " + maxConcurrentBatches.getAsInt() + ", expected at least 1");
    }
    Objects.requireNonNull(checkpoint, "checkpoint");
    Objects.requireNonNull(failures, "failures");
  }

  /**
   * Makes options of a name and a total.
   *
   * @param name names the run in messages and its checkpoint
   * @param total how many operations there will be, if that is known
   * @throws IllegalArgumentException if the name is blank or the total negative
   */
  public RunOptions(String name, OptionalLong total) {
    this(name, total, OptionalInt.empty(), Optional.empty(), Optional.empty());
  }

  /**
   * Returns options with a name and the defaults.
   *
   * @param name names the run in messages and its checkpoint
   * @return options
   * @throws IllegalArgumentException if the name is blank
   */
  public static RunOptions named(String name) {
    return new RunOptions(name, OptionalLong.empty());
  }

  /**
   * Returns the same options with a total.
   *
   * @param total how many operations there will be
   * @return options
   * @throws IllegalArgumentException if the value is negative
   */
  public RunOptions total(long total) {
    return new RunOptions(name, OptionalLong.of(total), maxConcurrentBatches, checkpoint, failures);
  }

  /**
   * Returns the same options with a bound of the batches in flight.
   *
   * @param maxConcurrentBatches at least 1
   * @return options
   * @throws IllegalArgumentException if the value is less than 1
   */
  public RunOptions maxConcurrentBatches(int maxConcurrentBatches) {
    return new RunOptions(name, total, OptionalInt.of(maxConcurrentBatches), checkpoint, failures);
  }

  /**
   * Returns the same options with a checkpoint: a run of the same name and the same operations goes
   * on where an earlier one was, whatever ended it. What was in flight then is sent again, to the
   * same final state: operations that are not safe to repeat get an idempotency key, and where that
   * cannot be the run ends there.
   *
   * @param checkpoint where to keep it
   * @return options
   */
  public RunOptions checkpoint(CheckpointStore checkpoint) {
    return new RunOptions(name, total, maxConcurrentBatches, Optional.of(checkpoint), failures);
  }

  /**
   * Returns the same options with one who is told each result that is not applied, while the report
   * has the first 100; on one thread of the run's own. The run is slowed down by a slow one.
   *
   * @param failures whom to tell
   * @return options
   */
  public RunOptions onFailure(Consumer<? super WriteResult> failures) {
    return new RunOptions(name, total, maxConcurrentBatches, checkpoint, Optional.of(failures));
  }
}
