package dev.escalera.batch.internal;

import java.time.Duration;
import java.util.PriorityQueue;

/** A clock that moves when it is told to, and runs what is due on the thread that moves it. */
final class SimulatedScheduler implements Scheduler {
  private record Task(long due, long number, Runnable task) implements Comparable<Task> {
    @Override
    public int compareTo(Task other) {
      return due == other.due ? Long.compare(number, other.number) : Long.compare(due, other.due);
    }
  }

  private final PriorityQueue<Task> tasks = new PriorityQueue<>();
  private long now = 1;
  private long number;
  private boolean closed;

  @Override
  public long nanos() {
    return now;
  }

  @Override
  public void execute(Runnable task) {
    after(0, task);
  }

  @Override
  public void after(long nanos, Runnable task) {
    if (!closed) {
      tasks.add(new Task(now + nanos, number++, task));
    }
  }

  @Override
  public void close() {
    closed = true;
    tasks.clear();
  }

  /** Runs the next task, if there is one. */
  boolean step() {
    Task next = tasks.poll();
    if (next == null) {
      return false;
    }
    now = Math.max(now, next.due);
    next.task.run();
    return true;
  }

  void runUntilIdle() {
    while (step()) {
      // Until there is nothing to do.
    }
  }

  void runFor(Duration time) {
    long end = now + time.toNanos();
    while (!tasks.isEmpty() && tasks.peek().due <= end) {
      step();
    }
    now = end;
  }
}
