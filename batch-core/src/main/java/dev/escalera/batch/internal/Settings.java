package dev.escalera.batch.internal;

import dev.escalera.batch.WhenFull;
import java.time.Duration;
import java.util.Objects;

/** The options that all executors have, with their checks. */
public final class Settings {
  private static final Duration LONGEST = Duration.ofHours(1);

  private int maxBatchSize = 500;
  private int maxConcurrentBatches = 10;
  private Duration linger = Duration.ofMillis(5);
  private int maxPending = 20_000;
  private long maxPendingBytes = 64 << 20;
  private WhenFull whenFull = WhenFull.BLOCK;
  private int maxRetries = 3;
  private Duration firstBackoff = Duration.ofSeconds(1);
  private Duration lastBackoff = Duration.ofSeconds(30);
  private Duration unknownHold = Duration.ofSeconds(10);

  public int maxBatchSize() {
    return maxBatchSize;
  }

  public void maxBatchSize(int value) {
    maxBatchSize = inRange("maxBatchSize", value, 1, 500);
  }

  public int maxConcurrentBatches() {
    return maxConcurrentBatches;
  }

  public void maxConcurrentBatches(int value) {
    maxConcurrentBatches = inRange("maxConcurrentBatches", value, 1, 1_000);
  }

  public Duration linger() {
    return linger;
  }

  public void linger(Duration value) {
    linger = inRange("linger", value, Duration.ZERO);
  }

  public int maxPending() {
    return maxPending;
  }

  public void maxPending(int value) {
    maxPending = inRange("maxPending", value, 1, Integer.MAX_VALUE);
  }

  public long maxPendingBytes() {
    return maxPendingBytes;
  }

  public void maxPendingBytes(long value) {
    if (value < 1) {
      throw new IllegalArgumentException("maxPendingBytes is " + value + ", expected at least 1");
    }
    maxPendingBytes = value;
  }

  public WhenFull whenFull() {
    return whenFull;
  }

  public void whenFull(WhenFull value) {
    whenFull = Objects.requireNonNull(value, "whenFull");
  }

  public int maxRetries() {
    return maxRetries;
  }

  public void maxRetries(int value) {
    maxRetries = inRange("maxRetries", value, 0, 100);
  }

  public Duration firstBackoff() {
    return firstBackoff;
  }

  public Duration lastBackoff() {
    return lastBackoff;
  }

  public void backoff(Duration first, Duration last) {
    inRange("the first backoff", first, Duration.ofMillis(1));
    if (inRange("the last backoff", last, Duration.ofMillis(1)).compareTo(first) < 0) {
      throw new IllegalArgumentException(
          "the last backoff is " + last + ", expected at least the first, " + first);
    }
    firstBackoff = first;
    lastBackoff = last;
  }

  public Duration unknownHold() {
    return unknownHold;
  }

  public void unknownHold(Duration value) {
    unknownHold = inRange("unknownHold", value, Duration.ZERO);
  }

  public static Duration deadline(Duration value) {
    return inRange("deadline", value, Duration.ofMillis(1));
  }

  private static Duration inRange(String name, Duration value, Duration least) {
    if (value.compareTo(least) < 0 || value.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException(
          name + " is " + value + ", expected " + least + " to " + LONGEST);
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
