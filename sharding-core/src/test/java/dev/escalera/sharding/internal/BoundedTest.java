package dev.escalera.sharding.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.testkit.ModelTest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BoundedTest {
  private static List<Integer> items(int count) {
    return IntStream.range(0, count).boxed().toList();
  }

  @Test
  void the_next_is_begun_as_soon_as_one_has_ended() {
    List<CompletableFuture<Integer>> calls = new ArrayList<>();
    CompletableFuture<List<Integer>> all =
        Bounded.all(
            items(5),
            2,
            item -> {
              calls.add(new CompletableFuture<>());
              return calls.get(item);
            });
    assertThat(calls).hasSize(2);
    calls.get(1).complete(10);
    assertThat(calls).hasSize(3);
    calls.get(2).complete(20);
    calls.get(3).complete(30);
    calls.get(4).complete(40);
    assertThat(all).isNotDone();
    calls.get(0).complete(0);
    assertThat(all).isCompletedWithValue(List.of(0, 10, 20, 30, 40));
  }

  @Test
  void after_a_failure_none_is_begun_and_those_in_flight_are_waited_for() {
    List<CompletableFuture<Integer>> calls = new ArrayList<>();
    CompletableFuture<List<Integer>> all =
        Bounded.all(
            items(5),
            2,
            item -> {
              calls.add(new CompletableFuture<>());
              return calls.get(item);
            });
    calls.get(1).completeExceptionally(new IllegalStateException("no"));
    assertThat(calls).hasSize(2);
    assertThat(all).isNotDone();
    calls.get(0).complete(1);
    assertThatThrownBy(all::join).hasRootCauseMessage("no");
  }

  @Test
  void what_a_call_throws_fails_all() {
    CompletableFuture<List<Integer>> all =
        Bounded.all(
            items(3),
            item -> {
              throw new IllegalStateException("thrown");
            });
    assertThatThrownBy(all::join).hasRootCauseMessage("thrown");
    assertThat(Bounded.all(List.<Integer>of(), CompletableFuture::completedFuture))
        .isCompletedWithValue(List.of());
  }

  @Test
  void many_that_are_done_at_once_do_not_make_the_stack_grow() {
    assertThat(Bounded.all(items(200_000), 3, CompletableFuture::completedFuture).join())
        .isEqualTo(items(200_000));
  }

  @Test
  void whoever_ends_them_each_is_called_once_and_never_too_many_at_a_time() {
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      ModelTest.named("bounded calls")
          .seeds(60)
          .check(
              random -> {
                int most = 1 + random.nextInt(8);
                AtomicInteger running = new AtomicInteger();
                AtomicInteger highest = new AtomicInteger();
                List<Integer> items = items(random.nextInt(300));
                List<Integer> results =
                    Bounded.all(
                            items,
                            most,
                            item ->
                                CompletableFuture.supplyAsync(
                                    () -> {
                                      int now = running.incrementAndGet();
                                      highest.accumulateAndGet(now, Math::max);
                                      running.decrementAndGet();
                                      return item;
                                    },
                                    pool))
                        .orTimeout(30, TimeUnit.SECONDS)
                        .join();
                assertThat(results).isEqualTo(items);
                assertThat(highest.get()).isLessThanOrEqualTo(most);
              });
    } finally {
      pool.shutdownNow();
    }
  }
}
