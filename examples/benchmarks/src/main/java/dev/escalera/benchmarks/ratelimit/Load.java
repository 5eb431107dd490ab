package dev.escalera.benchmarks.ratelimit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntFunction;

/** Loads that are put on contenders for a while. */
final class Load {
  private Load() {}

  /**
   * What came of it.
   *
   * @param perSecond decisions a second
   * @param p99Nanos of a hundred decisions the slowest took at most so long
   */
  record Result(double perSecond, double p99Nanos) {}

  /** Threads that ask one after the other. */
  static Result blocking(Contender contender, int threads, String subject, long nanos)
      throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      long begin = System.nanoTime();
      List<Future<long[]>> work = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        Callable<long[]> task = () -> times(contender, subject, begin + nanos);
        work.add(pool.submit(task));
      }
      List<long[]> all = new ArrayList<>();
      for (Future<long[]> each : work) {
        all.add(each.get());
      }
      double seconds = (System.nanoTime() - begin) / 1e9;
      long[] sorted = all.stream().flatMapToLong(Arrays::stream).sorted().toArray();
      return new Result(
          sorted.length / seconds,
          sorted[(int) Math.min(sorted.length - 1L, sorted.length * 99L / 100)]);
    } finally {
      pool.shutdownNow();
    }
  }

  private static long[] times(Contender contender, String subject, long end) throws Exception {
    long[] times = new long[1 << 10];
    int count = 0;
    for (long before = System.nanoTime(); before < end; ) {
      contender.take(subject);
      long after = System.nanoTime();
      if (count == times.length) {
        times = Arrays.copyOf(times, 2 * count);
      }
      times[count++] = after - before;
      before = after;
    }
    return Arrays.copyOf(times, count);
  }

  /**
   * One thread that keeps so many in flight; returns decisions a second, failed ones not counted.
   */
  static double inFlight(
      Contender contender, int inFlight, IntFunction<String> subjects, long nanos)
      throws InterruptedException {
    Semaphore room = new Semaphore(inFlight);
    AtomicLong failed = new AtomicLong();
    long begin = System.nanoTime();
    int count = 0;
    while (System.nanoTime() - begin < nanos) {
      room.acquire();
      contender
          .takeAsync(subjects.apply(count++))
          .whenComplete(
              (allowed, failure) -> {
                if (failure != null) {
                  failed.incrementAndGet();
                }
                room.release();
              });
    }
    room.acquire(inFlight);
    // A contender whose own time-outs strike has decided less.
    return (count - failed.get()) / ((System.nanoTime() - begin) / 1e9);
  }

  /** Asks at a rate whatever the answers; returns how many were admitted. */
  static long paced(Contender contender, String subject, long perSecond, long nanos)
      throws InterruptedException {
    // As many as can be late before no more are asked: a contender that cannot decide so fast.
    Semaphore room = new Semaphore(1_000);
    AtomicLong admitted = new AtomicLong();
    long begin = System.nanoTime();
    for (long asked = 0, now = 0; now < nanos; now = System.nanoTime() - begin) {
      long due = (long) (now * 1e-9 * perSecond);
      for (; asked < due; asked++) {
        if (room.tryAcquire()) {
          contender
              .takeAsync(subject)
              .whenComplete(
                  (allowed, failure) -> {
                    if (Boolean.TRUE.equals(allowed)) {
                      admitted.incrementAndGet();
                    }
                    room.release();
                  });
        }
      }
      LockSupport.parkNanos(500_000);
    }
    room.acquire(1_000);
    return admitted.get();
  }
}
