package dev.escalera.batch;

import java.util.Objects;
import java.util.OptionalLong;

/**
 * How a run is done. Immutable.
 *
 * @param name names the run in messages
 * @param total how many operations there will be, if that is known; the time left is estimated by
 *     it
 */
public record RunOptions(String name, OptionalLong total) {
  /**
   * Makes options.
   *
   * @param name names the run in messages
   * @param total how many operations there will be, if that is known; the time left is estimated by
   *     it
   * @throws IllegalArgumentException if the name is blank or the total negative
   */
  public RunOptions {
    if (Objects.requireNonNull(name, "name").isBlank()) {
      throw new IllegalArgumentException("name is \"" + name + "\", expected some text");
    }
    if (total.isPresent() && total.getAsLong() < 0) {
      throw new IllegalArgumentException("total is " + total.getAsLong() + ", expected at least 0");
    }
  }

  /**
   * Returns options with a name and the defaults.
   *
   * @param name names the run in messages
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
    return new RunOptions(name, OptionalLong.of(total));
  }
}
