package dev.escalera.cache.internal;

import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;

/** The threads of the JVM; its clock can be put forward and its timers held. */
final class HeldPlatform implements Platform {
  private final AtomicLong skipped = new AtomicLong();
  private final Platform system = Platform.system(() -> System.nanoTime() + skipped.get());
  private final Queue<Runnable> held = new ConcurrentLinkedQueue<>();
  volatile boolean holdsTimers;

  /** For how long the timers were set that have been held. */
  final Queue<Duration> delays = new ConcurrentLinkedQueue<>();

  void advance(Duration time) {
    skipped.addAndGet(time.toNanos());
  }

  int timers() {
    return held.size();
  }

  /** Does what timers were set for, whatever the time. */
  void fire() {
    for (Runnable task = held.poll(); task != null; task = held.poll()) {
      task.run();
    }
  }

  @Override
  public long nanos() {
    return system.nanos();
  }

  @Override
  public Executor executor() {
    return system.executor();
  }

  @Override
  public void after(long nanos, Runnable task) {
    if (holdsTimers) {
      delays.add(Duration.ofNanos(nanos));
      held.add(task);
    } else {
      system.after(nanos, task);
    }
  }

  @Override
  public long nonce() {
    return system.nonce();
  }

  @Override
  public double random() {
    return system.random();
  }
}
