package dev.escalera.ratelimit.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.Fleet;
import dev.escalera.ratelimit.Fleet.Done;
import dev.escalera.ratelimit.FleetNode;
import dev.escalera.ratelimit.FleetNode.Grant;
import dev.escalera.ratelimit.IntervalOracle;
import dev.escalera.ratelimit.Limit;
import dev.escalera.testkit.Node;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Four JVMs whose clocks are wrong, on one bucket; {@code -Descalera.fleet.seconds=60} for long.
 */
@WithRedis
class RedisFleetTest {
  private static final Duration TIME =
      Duration.ofSeconds(Long.getLong("escalera.fleet.seconds", 5));
  private static final Limit LIMIT =
      Limit.of(FleetNode.LIMIT, 300, Duration.ofSeconds(1)).burst(600);

  private static final Duration LEASE = Duration.ofSeconds(1);
  private static final List<String> SKEWS = List.of("-10", "-3", "4", "10");

  /**
   * A node of the fleet: the address of Redis, by how many seconds its clock is wrong, and whether
   * it leases tokens.
   */
  static final class Main {
    public static void main(String[] args) throws Exception {
      RedisClient client = RedisClient.create(args[0]);
      RedisRateLimiter.Builder builder =
          RedisRateLimiter.builder(client)
              .limit(LIMIT)
              .deadline(Duration.ofSeconds(20))
              .processClock(FleetNode.skewed(Duration.ofSeconds(Long.parseLong(args[1]))));
      if (Boolean.parseBoolean(args[2])) {
        builder.lease(FleetNode.LIMIT, LEASE);
      }
      FleetNode.serve(builder.build());
      client.shutdown();
    }
  }

  @Test
  void four_processes_are_granted_what_is_due_and_never_more(
      RedisServer server, RedisClient client) {
    try (Fleet fleet = new Fleet();
        StatefulRedisConnection<String, String> redis = client.connect()) {
      SKEWS.forEach(skew -> fleet.add(Main.class, server.uri(), skew, "false"));
      fleet.awaitReady();
      redis.sync().configResetstat();

      fleet.run(TIME);
      List<Done> done = new ArrayList<>();
      for (Node node : fleet.nodes()) {
        done.add(fleet.await(node, TIME));
      }

      List<Grant> grants = done.stream().flatMap(each -> each.grants().stream()).toList();
      assertThat(grants)
          .extracting(Grant::source)
          .containsOnly(DecisionSource.REMOTE, DecisionSource.MERGED);
      assertNoIntervalOver(grants);
      assertNothingWasHeldBack(grants);
      assertOneCallAtMost(done, redis.sync().info("commandstats"));
    }
  }

  @Test
  void four_processes_that_lease_are_never_granted_more_than_the_bound(RedisServer server)
      throws Exception {
    try (Fleet fleet = new Fleet()) {
      SKEWS.forEach(skew -> fleet.add(Main.class, server.uri(), skew, "true"));
      fleet.assertLeasesKeepTheBound(LIMIT, LEASE, TIME);
    }
  }

  private static void assertNoIntervalOver(List<Grant> grants) {
    long[] times = grants.stream().mapToLong(Grant::micros).toArray();
    assertThat(IntervalOracle.worstExcess(LIMIT, times)).as("over the bound by").isLessThan(1);
  }

  /** Whenever the bucket is empty, all that was due is admitted. */
  private static void assertNothingWasHeldBack(List<Grant> grants) {
    long first = grants.stream().mapToLong(Grant::micros).min().orElseThrow();
    long empty =
        grants.stream()
            .filter(grant -> grant.remaining() == 0)
            .mapToLong(Grant::micros)
            .max()
            .orElseThrow();
    assertThat(empty - first).isGreaterThan(TIME.toNanos() / 1_000 / 2);
    long admitted = grants.stream().filter(grant -> grant.micros() <= empty).count();
    double due = LIMIT.burst() + LIMIT.capacity() * ((empty - first) / 1e6);
    assertThat(admitted / due).as("admitted of what is due").isGreaterThanOrEqualTo(0.99);
  }

  private static void assertOneCallAtMost(List<Done> done, String commandStats) {
    long calls = done.stream().mapToLong(Done::remoteCalls).sum();
    long remote = done.stream().mapToLong(Done::remoteDecisions).sum();
    long all = done.stream().mapToLong(Done::decisions).sum();
    // A node that came first may have had to send the text.
    assertThat(callsOf("evalsha", commandStats)).isEqualTo(calls);
    assertThat(callsOf("eval", commandStats)).isLessThanOrEqualTo(done.size());
    assertThat(calls)
        .as("calls of %d decisions, %d of them by Redis", all, remote)
        .isLessThan(remote);
    assertThat(remote).isLessThan(all);
  }

  private static long callsOf(String command, String commandStats) {
    Matcher matcher =
        Pattern.compile("cmdstat_" + command + ":calls=(\\d+),").matcher(commandStats);
    return matcher.find() ? Long.parseLong(matcher.group(1)) : 0;
  }
}
