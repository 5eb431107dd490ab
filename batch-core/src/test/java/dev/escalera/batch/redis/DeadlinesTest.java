package dev.escalera.batch.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

class DeadlinesTest {
  private final Deadlines deadlines = new Deadlines();

  @Test
  void each_fails_at_its_own_time_whatever_the_order_in_which_they_came() throws Exception {
    List<CompletableFuture<Integer>> futures = new ArrayList<>();
    long begun = System.nanoTime();
    for (int millis : new int[] {400, 20, 90_000, 200, 1}) {
      CompletableFuture<Integer> future = new CompletableFuture<>();
      deadlines.watch(future, Duration.ofMillis(millis).toNanos());
      futures.add(future);
    }
    for (int late : new int[] {4, 1, 3, 0}) {
      assertThatThrownBy(() -> futures.get(late).get(20, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class)
          .hasCauseInstanceOf(TimeoutException.class);
    }
    assertThat(System.nanoTime() - begun).isGreaterThanOrEqualTo(400_000_000L);
    assertThat(futures.get(2)).isNotDone();
  }

  @Test
  void what_was_in_time_is_left_alone_and_forgotten() throws Exception {
    CompletableFuture<Integer> inTime = new CompletableFuture<>();
    deadlines.watch(inTime, Duration.ofMillis(50).toNanos());
    inTime.complete(1);
    for (int i = 0; i < 10_000; i++) {
      CompletableFuture<Integer> answered = new CompletableFuture<>();
      deadlines.watch(answered, Duration.ofHours(1).toNanos());
      answered.complete(i);
    }
    CompletableFuture<Integer> late = new CompletableFuture<>();
    deadlines.watch(late, Duration.ofMillis(100).toNanos());
    assertThatThrownBy(() -> late.get(20, TimeUnit.SECONDS))
        .hasCauseInstanceOf(TimeoutException.class);
    assertThat(inTime.get()).isEqualTo(1);
    assertThat(deadlines.size()).isLessThan(3);
  }
}
