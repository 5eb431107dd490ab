package dev.escalera.ratelimit.firestore;

import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.FirestoreOptions;
import dev.escalera.ratelimit.Fleet;
import dev.escalera.ratelimit.FleetNode;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.testkit.FirestoreEmulator;
import dev.escalera.testkit.WithFirestore;
import java.time.Duration;
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
      fleet.assertLeasesKeepTheBound(LIMIT, LEASE, TIME);
    }
  }
}
