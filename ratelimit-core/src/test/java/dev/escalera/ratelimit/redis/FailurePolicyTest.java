package dev.escalera.ratelimit.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.ratelimit.Decision;
import dev.escalera.ratelimit.DecisionSource;
import dev.escalera.ratelimit.FailurePolicy;
import dev.escalera.ratelimit.HeaderProfile;
import dev.escalera.ratelimit.Limit;
import dev.escalera.ratelimit.RateLimitException;
import dev.escalera.ratelimit.RateLimiter;
import dev.escalera.ratelimit.RateLimiterStats;
import dev.escalera.testkit.FaultProxy;
import dev.escalera.testkit.RedisSentinel;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SocketOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What is decided, and how soon, while Redis fails in each way; and that all is well again later.
 */
@WithRedis
class FailurePolicyTest {
  private static final Set<DecisionSource> BY_REDIS =
      EnumSet.of(DecisionSource.REMOTE, DecisionSource.MERGED);

  /**
   * Far over the deadline of 50 ms, since this machine does other work; far under any of Lettuce.
   */
  private static final Duration SOON = Duration.ofSeconds(2);

  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final RedisServer server;
  private final String name = "limit-" + UUID.randomUUID();

  FailurePolicyTest(RedisServer server) {
    this.server = server;
  }

  /** A fault that holds until it is ended. */
  enum Fault {
    FROZEN(true) {
      @Override
      void begin(RedisServer server, FaultProxy proxy) {
        proxy.freeze();
      }

      @Override
      void end(RedisServer server, FaultProxy proxy) {
        proxy.heal();
      }
    },
    MUTE(true) {
      @Override
      void begin(RedisServer server, FaultProxy proxy) {
        proxy.dropReplies();
      }

      @Override
      void end(RedisServer server, FaultProxy proxy) {
        proxy.disconnect();
        proxy.heal();
      }
    },
    STOPPED(true) {
      @Override
      void begin(RedisServer server, FaultProxy proxy) {
        server.pause();
      }

      @Override
      void end(RedisServer server, FaultProxy proxy) {
        server.resume();
      }
    },
    REFUSED(true) {
      @Override
      void begin(RedisServer server, FaultProxy proxy) {
        proxy.refuse();
        proxy.reset();
      }

      @Override
      void end(RedisServer server, FaultProxy proxy) {
        proxy.heal();
      }
    },
    RESTARTED(true) {
      @Override
      void begin(RedisServer server, FaultProxy proxy) {
        server.kill();
      }

      @Override
      void end(RedisServer server, FaultProxy proxy) {
        server.restart();
      }
    },
    OUT_OF_MEMORY(false) {
      @Override
      void begin(RedisServer server, FaultProxy proxy) {
        server.command("CONFIG", "SET", "maxmemory", "1");
      }

      @Override
      void end(RedisServer server, FaultProxy proxy) {
        server.command("CONFIG", "SET", "maxmemory", "0");
      }
    },
    READ_ONLY(false) {
      @Override
      void begin(RedisServer server, FaultProxy proxy) {
        server.command("REPLICAOF", "127.0.0.1", "1");
      }

      @Override
      void end(RedisServer server, FaultProxy proxy) {
        server.command("REPLICAOF", "NO", "ONE");
      }
    };

    /** Whether nothing is answered, so that the circuit breaker opens. */
    private final boolean silent;

    Fault(boolean silent) {
      this.silent = silent;
    }

    abstract void begin(RedisServer server, FaultProxy proxy);

    abstract void end(RedisServer server, FaultProxy proxy);
  }

  static Stream<Arguments> faultsAndPolicies() {
    return Stream.of(Fault.values())
        .flatMap(
            fault -> Stream.of(FailurePolicy.values()).map(policy -> Arguments.of(fault, policy)));
  }

  @ParameterizedTest
  @MethodSource("faultsAndPolicies")
  void the_policy_decides_in_time_and_redis_again_later(Fault fault, FailurePolicy policy) {
    try (FaultProxy proxy = FaultProxy.to(server);
        Host host = new Host(proxy.redisUri());
        RateLimiter limiter = host.limiter(large(), policy)) {
      await(() -> limiter.tryAcquire(name, "u").source() == DecisionSource.REMOTE);
      fault.begin(server, proxy);
      try {
        for (int i = 0; i < 10; i++) {
          assertDecidedBy(policy, inTime(limiter, "u"));
        }
        assertDecidedBy(policy, limiter.tryAcquireAsync(name, "u").toCompletableFuture().join());
        if (fault.silent) {
          assertNothingIsWaitedFor(policy, limiter);
        }
      } finally {
        fault.end(server, proxy);
      }
      await(() -> BY_REDIS.contains(inTime(limiter, "u").source()));
    }
  }

  /** As long as the breaker is open, which is a second at a time. */
  private void assertNothingIsWaitedFor(FailurePolicy policy, RateLimiter limiter) {
    await(
        () -> {
          assertDecidedBy(policy, inTime(limiter, "u"));
          return limiter.stats().breakerOpen();
        });
    long before = System.nanoTime();
    for (int i = 0; i < 1_000; i++) {
      assertDecidedBy(policy, inTime(limiter, "u"));
    }
    // They would take 50 s if each had waited.
    assertThat(System.nanoTime() - before).isLessThan(Duration.ofSeconds(5).toNanos());
  }

  @ParameterizedTest
  @EnumSource(FailurePolicy.class)
  void connections_that_are_reset_all_the_time_are_replaced(FailurePolicy policy) {
    try (FaultProxy proxy = FaultProxy.to(server);
        Host host = new Host(proxy.redisUri());
        RateLimiter limiter = host.limiter(large(), policy)) {
      for (int i = 0; i < 50; i++) {
        proxy.reset();
        Decision decision = inTime(limiter, "u");
        if (!BY_REDIS.contains(decision.source())) {
          assertDecidedBy(policy, decision);
        }
      }
      await(() -> BY_REDIS.contains(inTime(limiter, "u").source()));
    }
  }

  @Test
  void scripts_that_are_flushed_all_the_time_are_no_fault() {
    try (Host host = new Host(server.uri());
        RateLimiter limiter =
            RedisRateLimiter.builder(host.client)
                .limit(large())
                .deadline(Duration.ofSeconds(20))
                .build()) {
      AtomicBoolean over = new AtomicBoolean();
      CompletableFuture<Void> flushing =
          CompletableFuture.runAsync(
              () -> {
                while (!over.get()) {
                  server.command("SCRIPT", "FLUSH");
                }
              });
      List<CompletableFuture<Decision>> decisions = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        decisions.add(limiter.tryAcquireAsync(name, "u" + i % 50).toCompletableFuture());
      }
      for (int i = 0; i < 100; i++) {
        decisions.add(CompletableFuture.completedFuture(limiter.tryAcquire(name, "v")));
      }
      assertThat(decisions)
          .extracting(CompletableFuture::join)
          .allSatisfy(
              decision -> {
                assertThat(decision.allowed()).isTrue();
                assertThat(decision.source()).isIn(BY_REDIS);
              });
      over.set(true);
      flushing.join();
    }
  }

  @Test
  void a_failover_is_bridged_by_the_policy_and_the_new_primary_decides() {
    try (RedisSentinel sentinel = RedisSentinel.start();
        Host host = new Host(sentinel.uri());
        RateLimiter limiter = host.limiter(large(), FailurePolicy.FAIL_CLOSED)) {
      await(() -> limiter.tryAcquire(name, "u").source() == DecisionSource.REMOTE);

      RedisServer promoted = sentinel.failover();
      awaitDecidedBy(promoted, limiter);
      promoted.kill();
      awaitDecidedBy(sentinel.awaitPrimaryOtherThan(promoted), limiter);
    }
  }

  /** Until then by the one before, or by the policy. */
  private void awaitDecidedBy(RedisServer primary, RateLimiter limiter) {
    String subject = "by-" + primary.port();
    await(
        () -> {
          Decision decision = inTime(limiter, subject);
          if (!BY_REDIS.contains(decision.source())) {
            assertDecidedBy(FailurePolicy.FAIL_CLOSED, decision);
            return false;
          }
          String key = "escalera:ratelimit:{" + subject + "}:" + name;
          return Long.valueOf(1).equals(primary.command("EXISTS", key));
        });
  }

  @Test
  void what_a_node_admits_alone_is_settled_when_redis_is_back() {
    // Those of other tests count no more.
    server.command("FLUSHALL");
    Limit limit = Limit.of(name, 100, Duration.ofDays(1));
    try (FaultProxy proxy = FaultProxy.to(server);
        Host host = new Host(proxy.redisUri());
        RateLimiter limiter = host.alone(limit);
        Host direct = new Host(server.uri());
        RateLimiter other = direct.limiter(limit, FailurePolicy.FAIL_CLOSED)) {
      await(() -> other.tryAcquire(name, "u", 40).source() == DecisionSource.REMOTE);
      await(() -> limiter.maintenance().peek(name, "u").remaining() == 60);
      await(() -> limiter.stats().nodes() == 1);
      // The last that it heard of the bucket: 59 are left.
      assertThat(limiter.tryAcquire(name, "u").source()).isEqualTo(DecisionSource.REMOTE);
      cut(proxy, limiter);

      assertThat(limiter.tryAcquire(name, "u", 25).allowed()).isTrue();
      assertThat(limiter.tryAcquire(name, "u", 35).allowed())
          .as("of the 34 that are left")
          .isFalse();
      assertThat(limiter.tryAcquire(name, "u", 5).remaining()).isEqualTo(29);

      proxy.heal();
      reconnect(limiter);
      await(() -> limiter.stats().debitedTokens() == 30 + 1);
      assertThat(other.maintenance().peek(name, "u").remaining()).isEqualTo(29);
      assertThat(limiter.stats().lostDebits()).isZero();
    }
  }

  @Test
  void two_nodes_share_what_was_left_and_what_is_not_there_any_more_is_counted_as_lost() {
    // Those of other tests count no more.
    server.command("FLUSHALL");
    Limit limit = Limit.of(name, 100, Duration.ofDays(1));
    try (FaultProxy proxy = FaultProxy.to(server);
        Host host = new Host(proxy.redisUri());
        RateLimiter one = host.alone(limit);
        RateLimiter two = host.alone(limit);
        Host direct = new Host(server.uri());
        RateLimiter other = direct.limiter(limit, FailurePolicy.FAIL_CLOSED)) {
      await(() -> one.stats().nodes() == 2 && two.stats().nodes() == 2);
      assertThat(one.tryAcquire(name, "u", 39).source()).isEqualTo(DecisionSource.REMOTE);
      assertThat(two.tryAcquire(name, "u").source()).isEqualTo(DecisionSource.REMOTE);
      cut(proxy, one);
      cut(proxy, two);
      // One saw 61 left and two 60.
      assertThat(admittedOf(one, 40)).isEqualTo(30);
      assertThat(admittedOf(two, 40)).isEqualTo(30);
      // Meanwhile others take what is left.
      assertThat(other.tryAcquire(name, "u", 50).allowed()).isTrue();

      proxy.heal();
      reconnect(one);
      reconnect(two);
      await(() -> debts(one.stats()) + debts(two.stats()) == 60 + 2);
      assertThat(other.maintenance().peek(name, "u").remaining()).isZero();
      assertThat(one.stats().lostDebits() + two.stats().lostDebits()).isEqualTo(50);
    }
  }

  @Test
  void a_node_that_is_cut_off_at_zero_gets_no_fresh_burst() {
    // Those of other tests count no more.
    server.command("FLUSHALL");
    Limit limit = Limit.of(name, 100, Duration.ofDays(1));
    try (FaultProxy proxy = FaultProxy.to(server);
        Host host = new Host(proxy.redisUri());
        RateLimiter limiter = host.alone(limit)) {
      await(() -> limiter.tryAcquire(name, "u", 100).source() == DecisionSource.REMOTE);
      cut(proxy, limiter);
      assertThat(admittedOf(limiter, 50)).isZero();
      assertThat(limiter.tryAcquire(name, "new").allowed()).as("one of a bucket unseen").isTrue();
    }
  }

  private Limit large() {
    return Limit.of(name, 1_000_000, Duration.ofSeconds(10));
  }

  /** Cuts the node off, and waits until it knows; that costs a token of another bucket. */
  private void cut(FaultProxy proxy, RateLimiter limiter) {
    proxy.refuse();
    proxy.disconnect();
    assertThat(inTime(limiter, "cut").source()).isEqualTo(DecisionSource.FALLBACK);
  }

  /**
   * Waits until Redis answers again, and lets it decide on another bucket: the settling waits for
   * no one who asks for the same.
   */
  private void reconnect(RateLimiter limiter) {
    await(
        () -> {
          try {
            return limiter.maintenance().peek(name, "other").allowed();
          } catch (RateLimitException e) {
            assertThat(e).hasMessageContaining("failed at peeking at");
            return false;
          }
        });
    assertThat(limiter.tryAcquire(name, "other").source()).isEqualTo(DecisionSource.REMOTE);
  }

  private long admittedOf(RateLimiter limiter, int requests) {
    long admitted = 0;
    for (int i = 0; i < requests; i++) {
      Decision decision = limiter.tryAcquire(name, "u");
      assertThat(decision.source()).isIn(DecisionSource.FALLBACK, DecisionSource.DENY_CACHE);
      admitted += decision.allowed() ? 1 : 0;
    }
    return admitted;
  }

  private static long debts(RateLimiterStats stats) {
    return stats.debitedTokens() + stats.lostDebits();
  }

  private Decision inTime(RateLimiter limiter, String subject) {
    long before = System.nanoTime();
    Decision decision = limiter.tryAcquire(name, subject);
    assertThat(System.nanoTime() - before).as("%s", decision).isLessThan(SOON.toNanos());
    return decision;
  }

  private static void assertDecidedBy(FailurePolicy policy, Decision decision) {
    assertThat(decision.source()).isEqualTo(DecisionSource.FALLBACK);
    assertThat(decision.allowed()).isEqualTo(policy != FailurePolicy.FAIL_CLOSED);
    assertThat(decision.retryAfter().isZero()).isEqualTo(decision.allowed());
    assertThat(decision.headers(HeaderProfile.DRAFT_11)).doesNotContainKey("RateLimit");
  }

  private static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited too long").isLessThan(deadline);
      Thread.onSpinWait();
    }
  }

  /** A host and its client, with the options that the docs recommend. */
  private static final class Host implements AutoCloseable {
    private final RedisClient client;

    Host(String address) {
      RedisURI uri = RedisURI.create(address);
      uri.setTimeout(Duration.ofSeconds(1));
      client = RedisClient.create(uri);
      client.setOptions(
          ClientOptions.builder()
              .socketOptions(SocketOptions.builder().connectTimeout(Duration.ofSeconds(1)).build())
              .build());
    }

    RateLimiter limiter(Limit limit, FailurePolicy policy) {
      return RedisRateLimiter.builder(client).limit(limit).onBackendFailure(policy).build();
    }

    /** One that decides alone if it must; calls that are answered are not to be lost. */
    RateLimiter alone(Limit limit) {
      return RedisRateLimiter.builder(client)
          .limit(limit)
          .onBackendFailure(FailurePolicy.LOCAL_FALLBACK)
          .deadline(Duration.ofSeconds(1))
          .build();
    }

    @Override
    public void close() {
      client.shutdown(Duration.ZERO, Duration.ofSeconds(5));
    }
  }
}
