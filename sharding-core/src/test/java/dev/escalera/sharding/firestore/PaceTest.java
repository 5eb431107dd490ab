package dev.escalera.sharding.firestore;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class PaceTest {
  private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 1_000_000_000L);
  private final Pace pace = new Pace(Duration.ofMillis(250), 4, 32, now::get);

  /** Many calls that are sent at once and all end when a time has passed. */
  private void calls(int count, Duration took) {
    List<CompletableFuture<Integer>> sent = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      CompletableFuture<Integer> call = new CompletableFuture<>();
      CompletableFuture<Integer> timed = pace.timed(() -> call);
      assertThat(timed).isNotDone();
      sent.add(call);
    }
    now.addAndGet(took.toNanos());
    sent.forEach(call -> call.complete(1));
    now.incrementAndGet();
  }

  @Test
  void it_grows_by_one_a_round_of_quick_calls_up_to_the_most() {
    assertThat(pace.atOnce()).isEqualTo(4);
    calls(3, Duration.ofMillis(20));
    assertThat(pace.atOnce()).isEqualTo(4);
    calls(1, Duration.ofMillis(20));
    assertThat(pace.atOnce()).isEqualTo(5);
    calls(1_000, Duration.ofMillis(20));
    assertThat(pace.atOnce()).isEqualTo(32);
  }

  @Test
  void late_calls_of_one_time_halve_it_once_and_never_to_nothing() {
    calls(1_000, Duration.ofMillis(20));
    calls(32, Duration.ofMillis(1_100));
    assertThat(pace.atOnce()).isEqualTo(16);
    calls(16, Duration.ofMillis(600));
    assertThat(pace.atOnce()).isEqualTo(16);
    for (int i = 0; i < 10; i++) {
      calls(1, Duration.ofSeconds(3));
    }
    assertThat(pace.atOnce()).isEqualTo(1);
    calls(3, Duration.ofMillis(20));
    assertThat(pace.atOnce()).isEqualTo(3);
  }

  @Test
  void calls_that_fail_are_timed_too() {
    CompletableFuture<Integer> call = new CompletableFuture<>();
    CompletableFuture<Integer> timed = pace.timed(() -> call);
    now.addAndGet(Duration.ofSeconds(5).toNanos());
    call.completeExceptionally(new IllegalStateException("late"));
    assertThat(timed).isCompletedExceptionally();
    assertThat(pace.atOnce()).isEqualTo(2);
  }
}
