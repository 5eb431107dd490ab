package dev.escalera.batch;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Executor;

/**
 * The setters that the builders of all loaders share; each refuses a bad value at once. Not safe
 * for use by several threads.
 *
 * @param <B> the builder itself
 */
public abstract class BatchLoaderBuilder<B extends BatchLoaderBuilder<B>> {
  private int maxBatchSize = 500;
  private int maxConcurrentBatches = 10;
  private int maxPending = 20_000;
  private Duration linger = Duration.ofMillis(1);
  private Executor callbacks = DefaultCallbacks.EXECUTOR;

  /** Starts with the defaults. */
  protected BatchLoaderBuilder() {}

  /**
   * Sets how many keys a call has at most; 500 by default.
   *
   * @param maxBatchSize from 1 to 500
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B maxBatchSize(int maxBatchSize) {
    this.maxBatchSize = inRange("maxBatchSize", maxBatchSize, 500);
    return self();
  }

  /**
   * Sets how many calls are under way at most; 10 by default. Keys wait together meanwhile.
   *
   * @param maxConcurrentBatches from 1 to 1,000
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B maxConcurrentBatches(int maxConcurrentBatches) {
    this.maxConcurrentBatches = inRange("maxConcurrentBatches", maxConcurrentBatches, 1_000);
    return self();
  }

  /**
   * Sets how many different keys wait at most before further ones are refused; 20,000 by default.
   *
   * @param maxPending at least 1
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B maxPending(int maxPending) {
    this.maxPending = inRange("maxPending", maxPending, Integer.MAX_VALUE);
    return self();
  }

  /**
   * Sets how long a key waits at most for others; 1 ms by default.
   *
   * @param linger from zero to a minute
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B linger(Duration linger) {
    if (linger.isNegative() || linger.compareTo(Duration.ofMinutes(1)) > 0) {
      throw new IllegalArgumentException(
          "linger is " + linger + ", expected zero to " + Duration.ofMinutes(1));
    }
    this.linger = linger;
    return self();
  }

  /**
   * Sets what completes the futures, and so runs what the host has attached to them; threads of our
   * own by default, as many as are needed.
   *
   * @param callbacks runs tasks, at best on other threads
   * @return this builder
   */
  public B callbacks(Executor callbacks) {
    this.callbacks = Objects.requireNonNull(callbacks, "callbacks");
    return self();
  }

  /**
   * Returns the options as they are now.
   *
   * @return a copy
   */
  protected LoaderOptions options() {
    return new LoaderOptions(maxBatchSize, maxConcurrentBatches, maxPending, linger, callbacks);
  }

  /**
   * Returns this builder in its own type.
   *
   * @return this
   */
  protected abstract B self();

  /**
   * Returns a duration that is in its range.
   *
   * @param name of the option, for the message
   * @param value to be checked
   * @param least allowed
   * @param most allowed
   * @return the value
   * @throws IllegalArgumentException if it is out of range
   */
  protected static Duration inRange(String name, Duration value, Duration least, Duration most) {
    return BatchExecutorBuilder.inRange(name, value, least, most);
  }

  private static int inRange(String name, int value, int most) {
    if (value < 1 || value > most) {
      throw new IllegalArgumentException(name + " is " + value + ", expected 1 to " + most);
    }
    return value;
  }
}
