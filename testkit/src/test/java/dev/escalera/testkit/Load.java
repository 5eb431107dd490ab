package dev.escalera.testkit;

import io.lettuce.core.RedisException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/** Calls a server over and over on a thread of its own; calls that fail are repeated. */
final class Load implements AutoCloseable {
  private final AtomicLong succeeded = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();
  private final Thread thread;
  private volatile boolean stopped;

  Load(Consumer<String> call) {
    thread = new Thread(() -> run(call), "load");
    thread.setDaemon(true);
    thread.start();
  }

  /** Returns once {@code count} further calls have succeeded. */
  void awaitFurther(int count) {
    long goal = succeeded.get() + count;
    Until.holds(
        count + " further calls (" + failed + " failed so far)", () -> succeeded.get() >= goal);
  }

  long succeeded() {
    return succeeded.get();
  }

  /** Returns when the last call has ended, so that {@link #succeeded()} is final. */
  void stop() {
    stopped = true;
    Until.holds("the end of the load", () -> !thread.isAlive());
  }

  @Override
  public void close() {
    stop();
  }

  private void run(Consumer<String> call) {
    while (!stopped) {
      try {
        call.accept("load");
        succeeded.incrementAndGet();
      } catch (RedisException e) {
        // Expected while a primary is replaced; that calls succeed again is what tests wait for.
        failed.incrementAndGet();
      }
    }
  }
}
