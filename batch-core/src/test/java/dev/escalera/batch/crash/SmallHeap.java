package dev.escalera.batch.crash;

import dev.escalera.batch.BatchExecutor;
import dev.escalera.batch.BatchReport;
import dev.escalera.batch.RunOptions;
import dev.escalera.batch.local.LocalBatchExecutor;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;

/** A process that writes a million operations past a store that stands still at first. */
final class SmallHeap {
  private static final int OPERATIONS = 1_000_000;
  private static final int MAX_PENDING = 20_000;

  private SmallHeap() {}

  public static void main(String[] args) throws InterruptedException {
    CountDownLatch stalled = new CountDownLatch(1);
    BatchExecutor<String> executor =
        LocalBatchExecutor.builder(
                (List<String> batch) -> {
                  await(stalled);
                  return batch;
                },
                (String result) -> Optional.<Throwable>empty())
            .keyedBy(operation -> operation)
            .build();
    var run =
        executor.execute(
            IntStream.range(0, OPERATIONS).mapToObj(i -> i + "x".repeat(200)).iterator(),
            RunOptions.named("small heap"));
    while (executor.stats().pending() < MAX_PENDING) {
      Thread.sleep(5);
    }
    stalled.countDown();
    BatchReport report = run.join();
    executor.close(Duration.ofMinutes(1));
    System.out.println("applied " + report.progress().applied());
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted", e);
    }
  }
}
