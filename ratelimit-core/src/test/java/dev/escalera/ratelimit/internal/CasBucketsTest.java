package dev.escalera.ratelimit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.ManualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** When tokens are leased, and what becomes of them, over a store in this process. */
class CasBucketsTest {
  private static final Duration LEASE = Duration.ofSeconds(2);

  private final ManualClock clock = new ManualClock();
  private final Memory memory = new Memory();
  private final Counters counters = new Counters(List.of("a"));
  private final CasBuckets node = node();
  private Limit limit = Limit.of("a", 60, Duration.ofMinutes(1)).burst(40);

  @AfterEach
  void close() {
    node.close();
  }

  /** The documents, which are changed only if they are still those that were read. */
  private final class Memory implements CasStore {
    private final Map<Target.Key, Escrow> documents = new ConcurrentHashMap<>();

    @Override
    public CompletionStage<Snapshot> read(List<Target.Key> keys, long timeoutNanos) {
      List<@Nullable Escrow> escrows = new ArrayList<>();
      keys.forEach(key -> escrows.add(documents.get(key)));
      return CompletableFuture.completedFuture(
          new Snapshot(escrows, new ArrayList<>(escrows), clock.micros().getAsLong()));
    }

    @Override
    public synchronized CompletionStage<Boolean> write(
        List<Target.Key> keys, Snapshot snapshot, List<Escrow> changed, long timeoutNanos) {
      for (int i = 0; i < keys.size(); i++) {
        if (documents.get(keys.get(i)) != snapshot.versions().get(i)) {
          return CompletableFuture.completedFuture(false);
        }
      }
      for (int i = 0; i < keys.size(); i++) {
        documents.put(keys.get(i), changed.get(i));
      }
      return CompletableFuture.completedFuture(true);
    }

    @Override
    public CompletionStage<?> delete(Target.Key key, long timeoutNanos) {
      documents.remove(key);
      return CompletableFuture.completedFuture(null);
    }

    @Override
    public boolean isAvailable() {
      return true;
    }

    @Override
    public void close() {}
  }

  private CasBuckets node() {
    return new CasBuckets(
        memory, counters, clock.process(), clock::micros, Leases.Terms.of(LEASE), Map.of(), LEASE);
  }

  private Target target() {
    return new Target(new Target.Key("a", "u"), limit, Figures.of(limit));
  }

  /** Asks the store for one token. */
  private void ask(CasBuckets from) {
    from.take(new Store.Batch(List.of(target()), List.of(1L), 0), TimeUnit.SECONDS.toNanos(20))
        .toCompletableFuture()
        .join();
  }

  private boolean spend(CasBuckets from) {
    return from.spend(List.of(target()), 1) != null;
  }

  private Escrow stored() {
    return Objects.requireNonNull(memory.documents.get(target().key()));
  }

  @Test
  void the_third_request_within_the_time_of_a_lease_gets_one() {
    ask(node);
    ask(node);
    assertThat(stored().leases()).isEmpty();
    ask(node);
    assertThat(stored().outstanding()).isEqualTo(2);
    assertThat(spend(node)).isTrue();
    assertThat(spend(node)).isTrue();
    assertThat(spend(node)).isFalse();

    // It was used up at once: the next is for as much as this node may have.
    clock.advance(Duration.ofMillis(10));
    ask(node);
    assertThat(stored().outstanding()).isEqualTo(20);
  }

  @Test
  void who_asks_now_and_then_gets_no_lease_that_would_lie_idle() {
    for (int i = 0; i < 30; i++) {
      clock.advance(Duration.ofMillis(1_500));
      ask(node);
    }
    assertThat(counters.leased.sum()).isZero();
  }

  @Test
  void a_lease_that_was_hardly_used_is_not_renewed() {
    ask(node);
    ask(node);
    ask(node);
    assertThat(counters.leased.sum()).isEqualTo(2);
    for (int i = 0; i < 10; i++) {
      clock.advance(LEASE.multipliedBy(2));
      ask(node);
    }
    assertThat(counters.leased.sum()).isEqualTo(2);
    assertThat(stored().leases()).isEmpty();
  }

  @Test
  void with_a_small_burst_there_are_no_leases() {
    limit = Limit.of("a", 60, Duration.ofMinutes(1)).burst(3);
    for (int i = 0; i < 10; i++) {
      ask(node);
      clock.advance(Duration.ofMillis(100));
    }
    assertThat(counters.leased.sum()).isZero();
  }

  @Test
  void what_is_leased_is_given_back_when_the_limiter_is_closed() {
    for (int i = 0; i < 3; i++) {
      ask(node);
    }
    spend(node);
    assertThat(stored().bucket().tokens()).isEqualTo(40 - 3 - 2);

    node.close();

    assertThat(stored().leases()).isEmpty();
    assertThat(stored().bucket().tokens()).isEqualTo(40 - 4);
    assertThat(counters.wasted.sum()).isZero();
    assertThat(spend(node)).isFalse();
  }

  @Test
  void what_is_given_back_too_late_is_wasted_and_not_credited() {
    for (int i = 0; i < 3; i++) {
      ask(node);
    }
    clock.advance(LEASE.plusMillis(100));
    node.close();
    // The room of the lease is refilled from its end on.
    assertThat(stored().outstanding()).isEqualTo(2);
    assertThat(counters.wasted.sum()).isEqualTo(2);
  }

  @Test
  void what_was_spent_of_a_lease_does_not_come_back_to_the_next_one() {
    Leases leases = new Leases("n");
    Leases.Terms terms = Leases.Terms.of(LEASE);
    leases.hold("n.1", 10, 0, 0, terms, Figures.of(limit));
    Leases.Spent spent = Objects.requireNonNull(leases.spend(3, 1));
    leases.unspend(spent.id(), 3, 2);
    assertThat(leases.spend(3, 3)).isEqualTo(new Leases.Spent("n.1", 7, Figures.of(limit)));
    leases.stop(4);

    leases.hold("n.2", 10, 2, 5, terms, Figures.of(limit));
    leases.unspend("n.1", 3, 6);

    assertThat(leases.spend(8, 7)).isEqualTo(new Leases.Spent("n.2", 0, Figures.of(limit)));
    assertThat(leases.spend(1, 8)).isNull();
  }

  @Test
  void two_nodes_never_hold_more_than_there_is() {
    CasBuckets other = node();
    int nodes = 1;
    for (int i = 0; i < 200; i++) {
      CasBuckets each = i % 3 == 0 ? other : node;
      if (!spend(each)) {
        ask(each);
      }
      clock.advance(Duration.ofMillis(7));
      Escrow now = stored();
      assertThat(now.bucket().tokens() + now.outstanding()).isLessThanOrEqualTo(40);
      nodes = Math.max(nodes, other.nodes());
    }
    assertThat(nodes).isEqualTo(2);
    other.close();
    node.close();
    assertThat(stored().leases()).isEmpty();
  }
}
