package dev.escalera.batch;

import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * The setters that the builders of all executors share; each refuses a bad value at once. Not safe
 * for use by several threads.
 *
 * @param <B> the builder itself
 */
public abstract class BatchExecutorBuilder<B extends BatchExecutorBuilder<B>> {
  private static final Duration LONGEST = Duration.ofHours(1);
  private static final Duration FOREVER = Duration.ofDays(36_500);

  private String name;
  private int maxBatchSize = 500;
  private int maxConcurrentBatches = 10;
  private Duration linger = Duration.ofMillis(5);
  private int maxPending = 20_000;
  private long maxPendingBytes = 64 << 20;
  private WhenFull whenFull = WhenFull.BLOCK;
  private Duration maxWait = FOREVER;
  private int maxRetries = 3;
  private Duration firstBackoff = Duration.ofSeconds(1);
  private Duration lastBackoff = Duration.ofSeconds(30);
  private Duration patience = Duration.ofMinutes(5);
  private Duration unknownHold;
  private boolean adaptiveRate = true;
  private @Nullable RampUp rampUp;
  private @Nullable MeterRegistry meterRegistry;
  private Executor callbacks = DefaultCallbacks.EXECUTOR;

  /**
   * Starts with the defaults.
   *
   * @param name of the executor, unless the host names it
   * @param unknownHold the default of {@link #unknownHold}
   */
  protected BatchExecutorBuilder(String name, Duration unknownHold) {
    this.name = name;
    this.unknownHold = unknownHold;
  }

  /**
   * Names the executor in messages and meters; its class by default.
   *
   * @param name some text
   * @return this builder
   * @throws IllegalArgumentException if it is blank
   */
  public B name(String name) {
    if (Objects.requireNonNull(name, "name").isBlank()) {
      throw new IllegalArgumentException("name is \"" + name + "\", expected some text");
    }
    this.name = name;
    return self();
  }

  /**
   * Sets how many operations a batch has at most; 500 by default.
   *
   * @param maxBatchSize from 1 to 500
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B maxBatchSize(int maxBatchSize) {
    this.maxBatchSize = inRange("maxBatchSize", maxBatchSize, 1, 500);
    return self();
  }

  /**
   * Sets how many batches are in flight at most; 10 by default.
   *
   * @param maxConcurrentBatches from 1 to 1,000
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B maxConcurrentBatches(int maxConcurrentBatches) {
    this.maxConcurrentBatches = inRange("maxConcurrentBatches", maxConcurrentBatches, 1, 1_000);
    return self();
  }

  /**
   * Sets how long an operation waits at most for others to fill its batch; 5 ms by default.
   *
   * @param linger from zero to an hour
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B linger(Duration linger) {
    this.linger = inRange("linger", linger, Duration.ZERO, LONGEST);
    return self();
  }

  /**
   * Sets how many operations wait or are in flight at most; 20,000 by default.
   *
   * @param maxPending at least 1
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B maxPending(int maxPending) {
    this.maxPending = inRange("maxPending", maxPending, 1, Integer.MAX_VALUE);
    return self();
  }

  /**
   * Sets how many bytes wait or are in flight at most; 64 MiB by default. One operation alone is
   * taken whatever its size.
   *
   * @param maxPendingBytes at least 1
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B maxPendingBytes(long maxPendingBytes) {
    if (maxPendingBytes < 1) {
      throw new IllegalArgumentException(
          "maxPendingBytes is " + maxPendingBytes + ", expected at least 1");
    }
    this.maxPendingBytes = maxPendingBytes;
    return self();
  }

  /**
   * Sets what a submission does when as many wait; {@link WhenFull#BLOCK} by default.
   *
   * @param whenFull what to do
   * @return this builder
   */
  public B whenFull(WhenFull whenFull) {
    this.whenFull = Objects.requireNonNull(whenFull, "whenFull");
    return self();
  }

  /**
   * Sets how long a submission waits for room at most, before it is refused; for ever by default.
   * Runs wait as long as it takes.
   *
   * @param maxWait from 1 ms to an hour
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B maxWait(Duration maxWait) {
    this.maxWait = inRange("maxWait", maxWait, Duration.ofMillis(1), LONGEST);
    return self();
  }

  /**
   * Sets how often an operation is sent again at most, where that is safe; 3 times by default.
   *
   * @param maxRetries from 0 to 100
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B maxRetries(int maxRetries) {
    this.maxRetries = inRange("maxRetries", maxRetries, 0, 100);
    return self();
  }

  /**
   * Sets how long a retry waits: at random up to {@code first}, doubled with each, at most {@code
   * last}; 1 s and 30 s by default.
   *
   * @param first from 1 ms to an hour
   * @param last from {@code first} to an hour
   * @return this builder
   * @throws IllegalArgumentException if a value is out of range
   */
  public B backoff(Duration first, Duration last) {
    inRange("the first backoff", first, Duration.ofMillis(1), LONGEST);
    inRange("the last backoff", last, Duration.ofMillis(1), LONGEST);
    if (last.compareTo(first) < 0) {
      throw new IllegalArgumentException(
          "the last backoff is " + last + ", expected at least the first, " + first);
    }
    firstBackoff = first;
    lastBackoff = last;
    return self();
  }

  /**
   * Sets how long an operation is sent again to a store that says that it is overloaded; 5 minutes
   * by default. Such answers do not count as retries.
   *
   * @param patience from zero to an hour
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B patience(Duration patience) {
    this.patience = inRange("patience", patience, Duration.ZERO, LONGEST);
    return self();
  }

  /**
   * Sets how long the next operation of a key waits after an outcome became unknown, where nothing
   * proves sooner that the lost one cannot arrive any more; 10 s by default on Redis and Firestore,
   * zero elsewhere. It is an assumption of how long a lost request can still arrive.
   *
   * @param unknownHold from zero to an hour
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   */
  public B unknownHold(Duration unknownHold) {
    this.unknownHold = inRange("unknownHold", unknownHold, Duration.ZERO, LONGEST);
    return self();
  }

  /**
   * Sets whether the rate is lowered when the store says that it is overloaded, or becomes slow,
   * and raised again as it takes more; true by default. Until the store says so, there is no bound.
   *
   * @param adaptiveRate false to send whatever the store answers
   * @return this builder
   */
  public B adaptiveRate(boolean adaptiveRate) {
    this.adaptiveRate = adaptiveRate;
    return self();
  }

  /**
   * Bounds the rate at first; not bounded by default.
   *
   * @param rampUp how the bound grows
   * @return this builder
   */
  public B rampUp(RampUp rampUp) {
    this.rampUp = Objects.requireNonNull(rampUp, "rampUp");
    return self();
  }

  /**
   * Registers the meters {@code escalera.batch.*}, tagged with the name of the executor; none by
   * default. They are removed when the executor is closed.
   *
   * @param meterRegistry where to
   * @return this builder
   */
  public B meterRegistry(MeterRegistry meterRegistry) {
    this.meterRegistry = Objects.requireNonNull(meterRegistry, "meterRegistry");
    return self();
  }

  /**
   * Sets what completes the stages of {@code submit}, and so runs what the host has attached to
   * them; threads of our own by default, as many as are needed.
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
  protected BatchOptions options() {
    return new BatchOptions(
        name,
        maxBatchSize,
        maxConcurrentBatches,
        linger,
        maxPending,
        maxPendingBytes,
        whenFull,
        maxWait,
        maxRetries,
        firstBackoff,
        lastBackoff,
        patience,
        unknownHold,
        adaptiveRate,
        Optional.ofNullable(rampUp),
        Optional.ofNullable(meterRegistry),
        callbacks);
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
    Objects.requireNonNull(value, name);
    if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
      throw new IllegalArgumentException(
          name + " is " + value + ", expected " + least + " to " + most);
    }
    return value;
  }

  private static int inRange(String name, int value, int least, int most) {
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          name + " is " + value + ", expected " + least + " to " + most);
    }
    return value;
  }
}
