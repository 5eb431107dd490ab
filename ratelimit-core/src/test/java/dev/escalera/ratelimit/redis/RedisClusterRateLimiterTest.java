package dev.escalera.ratelimit.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.FailurePolicy;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.Permits;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.RateLimiterContract;
import dev.escalera.ratelimit.internal.Target;
import dev.escalera.testkit.RedisCluster;
import io.lettuce.core.RedisURI;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.ClusterTopologyRefreshOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** The contract on Redis Cluster, and what only a cluster does. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class RedisClusterRateLimiterTest extends RateLimiterContract {
  private static RedisCluster cluster;
  private static RedisClusterClient client;

  @BeforeAll
  static void start() {
    cluster = RedisCluster.start();
    List<RedisURI> uris = cluster.uris().stream().map(RedisURI::create).toList();
    // A refresh of the topology that a dying node has swallowed holds up the next one as long.
    uris.forEach(uri -> uri.setTimeout(Duration.ofSeconds(2)));
    client = RedisClusterClient.create(uris);
    client.setOptions(
        ClusterClientOptions.builder()
            .topologyRefreshOptions(
                ClusterTopologyRefreshOptions.builder()
                    .enablePeriodicRefresh(Duration.ofMillis(500))
                    .build())
            .build());
  }

  @AfterAll
  static void stop() throws Exception {
    try {
      // A client can hang once nodes have died.
      client.shutdownAsync(0, 1, TimeUnit.SECONDS).get(5, TimeUnit.SECONDS);
    } finally {
      cluster.close();
    }
  }

  @Override
  protected RateLimiter create(Limit... limits) {
    return builder(limits).denyCacheMax(Duration.ZERO).clock(clock::micros).build();
  }

  @Override
  protected RateLimiter createInRealTime(Limit... limits) {
    return builder(limits).build();
  }

  private static RedisRateLimiter.Builder builder(Limit... limits) {
    RedisRateLimiter.Builder builder =
        RedisRateLimiter.builder(client).deadline(Duration.ofMinutes(1));
    for (Limit limit : limits) {
      builder.limit(limit);
    }
    return builder;
  }

  @Test
  void limits_of_one_subject_are_taken_together_and_those_of_several_slots_are_refused() {
    String other = name + "-other";
    try (RateLimiter limiter =
        create(
            Limit.of(name, 5, Duration.ofMinutes(1)), Limit.of(other, 1, Duration.ofMinutes(1)))) {
      Permits same = Permits.of(name, "{u}{").and(other, "{u}{");
      assertThat(limiter.tryAcquire(same).allowed()).isTrue();
      assertThat(limiter.tryAcquire(same).allowed()).isFalse();
      assertThat(limiter.maintenance().peek(name, "{u}{").remaining()).isEqualTo(4);

      Permits several = Permits.of(name, "a").and(other, "b");
      assertThatThrownBy(() -> limiter.tryAcquire(several))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("of the cluster, expected one; limits of one subject are in one");
      assertThatThrownBy(() -> limiter.tryAcquireAsync(several))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(limiter.maintenance().peek(name, "a").remaining()).isEqualTo(5);
    }
  }

  @Test
  void a_limit_that_is_leased_is_taken_together_with_one_in_another_slot() {
    String tenant = name + "-tenant";
    try (RateLimiter limiter =
        builder(
                Limit.of(name, 2, Duration.ofDays(1)),
                Limit.of(tenant, 1, Duration.ofDays(1)).burst(30))
            .lease(tenant, Duration.ofMinutes(1))
            .build()) {
      int admitted = 0;
      for (int i = 0; i < 60; i++) {
        Permits both = Permits.of(name, "u" + i / 3).and(tenant, "t");
        admitted += limiter.tryAcquire(both).allowed() ? 1 : 0;
      }
      // Two of each user, until the tenant has none left.
      assertThat(admitted).isEqualTo(30);
      assertThat(limiter.maintenance().peek(name, "u14").remaining()).isZero();
      assertThat(limiter.maintenance().peek(name, "u15").remaining()).isEqualTo(2);
    }
  }

  @Test
  void a_bucket_goes_on_when_its_slot_moves_to_another_node() {
    try (RateLimiter limiter = builder(Limit.of(name, 100, Duration.ofDays(1))).build()) {
      limiter.tryAcquire(name, "u", 40);
      int slot = cluster.slotOf(RedisBuckets.key(new Target.Key(name, "u")));
      cluster.moveSlot(
          slot,
          cluster.primaries().stream()
              .filter(node -> node.port() != cluster.primaryOf(slot).port())
              .findFirst()
              .orElseThrow());
      Decision decision = limiter.tryAcquire(name, "u");
      assertThat(decision.source()).isEqualTo(DecisionSource.REMOTE);
      assertThat(decision.remaining()).isEqualTo(59);
    }
  }

  @Test
  @Order(Integer.MAX_VALUE) // Last, since it costs the cluster a node.
  void a_primary_that_dies_is_bridged_by_the_policy_and_its_replica_decides() {
    try (RateLimiter limiter =
        RedisRateLimiter.builder(client)
            .limit(Limit.of(name, 1_000_000, Duration.ofSeconds(10)))
            .onBackendFailure(FailurePolicy.FAIL_CLOSED)
            .build()) {
      await(() -> limiter.tryAcquire(name, "u").source() == DecisionSource.REMOTE);
      int slot = cluster.slotOf(RedisBuckets.key(new Target.Key(name, "u")));
      cluster.kill(cluster.primaryOf(slot));
      await(
          () -> {
            long before = System.nanoTime();
            Decision decision = limiter.tryAcquire(name, "u");
            // The deadline is 50 ms; this machine does other work.
            assertThat(System.nanoTime() - before).isLessThan(Duration.ofSeconds(2).toNanos());
            assertThat(decision.allowed()).isEqualTo(decision.source() == DecisionSource.REMOTE);
            return decision.allowed();
          });
    }
  }
}
