package dev.escalera.ratelimit.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.internal.LeaseSimulation.Rules;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The bound of the lease protocol, on random schedules of virtual time, and that it can fail. */
class LeaseProtocolTest {
  private static final int SCHEDULES = Integer.getInteger("escalera.seeds", 1_500);
  private static final long FIRST = Long.getLong("escalera.seed", 20261124L);

  private static final Rules PRODUCTION = new Rules() {};

  @Test
  void no_schedule_admits_more_than_burst_and_rate_allow() {
    long spent = 0;
    for (long seed = FIRST; seed < FIRST + SCHEDULES; seed++) {
      LeaseSimulation simulation = new LeaseSimulation(seed, PRODUCTION);
      assertThat(simulation.run()).as("seed %d: over the bound by", seed).isZero();
      spent += simulation.spent();
    }
    assertThat(spent).as("tokens spent of leases").isGreaterThan(10L * SCHEDULES);
  }

  @Test
  void a_level_that_is_refilled_beside_what_is_out_is_caught() {
    assertCaught(
        new Rules() {
          @Override
          public Escrow at(Escrow escrow, long now) {
            return new Escrow(escrow.bucket().refill(now), outstanding(escrow, now));
          }
        });
  }

  @Test
  void time_that_is_kept_while_there_is_no_room_is_caught() {
    assertCaught(
        new Rules() {
          @Override
          public Escrow at(Escrow escrow, long now) {
            Escrow next = escrow.at(now);
            TokenBucket level = next.bucket();
            boolean clamped = level.tokens() + next.outstanding() >= level.figures().burst();
            return clamped && !next.leases().isEmpty()
                ? new Escrow(
                    new TokenBucket(level.tokens(), 0, escrow.bucket().at(), level.figures()),
                    next.leases())
                : next;
          }
        });
  }

  @Test
  void a_refund_at_expiry_is_caught() {
    assertCaught(
        new Rules() {
          @Override
          public Escrow at(Escrow escrow, long now) {
            Escrow next = escrow.at(now);
            long refund = escrow.outstanding() - next.outstanding();
            long room =
                next.bucket().figures().burst() - next.outstanding() - next.bucket().tokens();
            return next.take(-Math.min(refund, Math.max(0, room)));
          }
        });
  }

  @Test
  void a_credit_for_a_late_settle_is_caught() {
    assertCaught(
        new Rules() {
          @Override
          public Escrow settle(Escrow escrow, String id, long unspent) {
            Escrow next = escrow.settle(id, unspent);
            boolean late = next.leases().equals(escrow.leases());
            long room =
                next.bucket().figures().burst() - next.outstanding() - next.bucket().tokens();
            return late ? next.take(-Math.min(unspent, Math.max(0, room))) : next;
          }
        });
  }

  @Test
  void a_node_that_counts_from_the_receipt_is_caught() {
    assertCaught(
        new Rules() {
          @Override
          public long from(long sent, long received) {
            return received;
          }
        });
  }

  @Test
  void a_store_that_counts_no_longer_than_the_node_is_caught() {
    // The node's clock is slower than the store's by 4 in 1,000: half the margin and less.
    Leases.Terms terms = Leases.Terms.of(Duration.ofSeconds(1));
    long bare = terms.length().toNanos() / 1_000;
    assertThat(admittedAroundTheEnd(terms, terms.outstandingMicros())).isLessThanOrEqualTo(10);
    assertThat(admittedAroundTheEnd(terms, bare)).isGreaterThan(11);
  }

  /** A node hoards a lease of the whole burst and spends it last thing, when others come too. */
  private static long admittedAroundTheEnd(Leases.Terms terms, long outstandingMicros) {
    Figures figures = Figures.of(Limit.of("a", 1_000, Duration.ofSeconds(1)).burst(10));
    Leases node = new Leases("n");
    Escrow store = Escrow.full(figures, 0).grant("n.1", 10, outstandingMicros);
    node.hold("n.1", 10, 0, 0, terms, figures);
    long admitted = 0;
    store = store.at(1_003_400);
    admitted += store.bucket().tokens();
    // 1.0035 s of the store are 0.9995 s of the node.
    if (node.spend(10, 999_500_000) != null) {
      admitted += 10;
    }
    return admitted;
  }

  private static List<Escrow.Lease> outstanding(Escrow escrow, long now) {
    List<Escrow.Lease> rest = new ArrayList<>(escrow.leases());
    rest.removeIf(lease -> lease.until() <= now);
    return rest;
  }

  private static void assertCaught(Rules mutant) {
    long caught = 0;
    for (long seed = FIRST; seed < FIRST + SCHEDULES && caught == 0; seed++) {
      caught = new LeaseSimulation(seed, mutant).run();
    }
    assertThat(caught).as("over the bound by, in one of %d schedules", SCHEDULES).isPositive();
  }
}
