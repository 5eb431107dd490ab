package dev.escalera.ratelimit.firestore;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.FirestoreOptions;
import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.Fleet;
import dev.escalera.ratelimit.Fleet.Done;
import dev.escalera.ratelimit.FleetNode;
import dev.escalera.ratelimit.FleetNode.Grant;
import dev.escalera.ratelimit.IntervalOracle;
import dev.escalera.ratelimit.IntervalOracle.Span;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.testkit.FirestoreEmulator;
import dev.escalera.testkit.Node;
import dev.escalera.testkit.WithFirestore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Four JVMs that lease tokens of one bucket, of which one is killed and one stands still for longer
 * than its lease; {@code -Descalera.fleet.seconds=60} for long.
 */
@WithFirestore
class FirestoreFleetTest {
  private static final Duration TIME =
      Duration.ofSeconds(Long.getLong("escalera.fleet.seconds", 6));
  private static final Duration LEASE = Duration.ofSeconds(1);
  private static final Limit LIMIT =
      Limit.of(FleetNode.LIMIT, 400, Duration.ofSeconds(1)).burst(800);

  /** A node of the fleet: the emulator, the project, and by how many seconds its clock is wrong. */
  static final class Main {
    public static void main(String[] args) throws Exception {
      Firestore firestore =
          FirestoreOptions.newBuilder()
              .setEmulatorHost(args[0])
              .setProjectId(args[1])
              .build()
              .getService();
      RateLimiter limiter =
          FirestoreRateLimiter.builder(firestore)
              .limit(LIMIT)
              .lease(LEASE)
              .deadline(Duration.ofSeconds(20))
              .processClock(FleetNode.skewed(Duration.ofSeconds(Long.parseLong(args[2]))))
              .build();
      FleetNode.serve(limiter);
      firestore.shutdownNow();
    }
  }

  @Test
  void four_processes_that_lease_are_never_granted_more_than_the_bound(
      FirestoreEmulator emulator, Firestore firestore) throws Exception {
    try (Fleet fleet = new Fleet()) {
      for (String skew : List.of("-10", "-3", "4", "10")) {
        fleet.add(Main.class, emulator.hostPort(), firestore.getOptions().getProjectId(), skew);
      }
      fleet.awaitReady();
      fleet.run(TIME);
      Node paused = fleet.nodes().get(0);
      Node killed = fleet.nodes().get(1);
      Thread.sleep(TIME.toMillis() / 4);
      paused.pause();
      Thread.sleep(3 * LEASE.toMillis() / 2);
      paused.resume();
      Thread.sleep(TIME.toMillis() / 4);
      killed.kill();

      List<Done> done = new ArrayList<>();
      for (Node node : fleet.nodes()) {
        if (node != killed) {
          done.add(fleet.await(node, TIME));
        }
      }

      List<Grant> grants = done.stream().flatMap(each -> each.grants().stream()).toList();
      List<Span> spans = grants.stream().map(grant -> new Span(grant.from(), grant.to())).toList();
      assertThat(IntervalOracle.worstExcess(LIMIT, spans)).as("over the bound by").isLessThan(1);
      long leased = grants.stream().filter(grant -> grant.source() == DecisionSource.LEASE).count();
      assertThat(leased).as("of %d grants", grants.size()).isGreaterThan(grants.size() / 2L);
    }
  }
}
