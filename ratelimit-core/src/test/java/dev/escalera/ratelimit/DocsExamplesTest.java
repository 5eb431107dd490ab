package dev.escalera.ratelimit;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.firestore.Firestore;
import dev.escalera.ratelimit.firestore.FirestoreProxyManager;
import dev.escalera.ratelimit.firestore.FirestoreRateLimiter;
import dev.escalera.ratelimit.local.LocalRateLimiter;
import dev.escalera.ratelimit.redis.RedisRateLimiter;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithFirestore;
import dev.escalera.testkit.WithRedis;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.BucketConfiguration;
import io.github.bucket4j.distributed.proxy.ProxyManager;
import io.lettuce.core.AclSetuserArgs;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.protocol.CommandType;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The blocks of docs/ratelimit.md, line for line. */
@WithRedis
class DocsExamplesTest {
  private final RedisServer server;
  private final RedisClient client;

  DocsExamplesTest(RedisServer server, RedisClient client) {
    this.server = server;
    this.client = client;
  }

  @Test
  void the_first_example_admits() {
    RateLimiter limiter =
        RedisRateLimiter.builder(client)
            .limit(Limit.of("metrics", 10, Duration.ofMinutes(1)))
            .limit(Limit.of("export", 5, Duration.ofMinutes(1)).burst(2))
            .build();

    Decision decision = limiter.tryAcquire("metrics", "user-7");
    int status = decision.allowed() ? 200 : 429;
    Map<String, String> headers = decision.headers(HeaderProfile.DRAFT_11);

    CompletionStage<Decision> two = limiter.tryAcquireAsync("export", "user-7", 2);

    assertThat(status).isEqualTo(200);
    assertThat(headers).containsEntry("RateLimit-Policy", "\"metrics\";q=10;w=60");
    assertThat(two.toCompletableFuture().join().allowed()).isTrue();
    limiter.close();
  }

  @Test
  void a_limit_that_is_leased_is_taken_together_with_another() {
    RateLimiter leasing =
        RedisRateLimiter.builder(client)
            .limit(Limit.of("metrics", 10, Duration.ofMinutes(1)))
            .limit(Limit.of("tenant", 5_000, Duration.ofMinutes(1)))
            .lease("tenant", Duration.ofSeconds(1))
            .build();
    Decision both = leasing.tryAcquire(Permits.of("metrics", "user-7").and("tenant", "acme"));

    assertThat(both.allowed()).isTrue();
    leasing.close();
  }

  @Test
  void the_local_limiter_denies_after_its_burst() {
    RateLimiter limiter =
        LocalRateLimiter.builder()
            .limit(Limit.of("metrics", 1, Duration.ofMinutes(1)))
            .maximumSubjects(100_000)
            .build();

    assertThat(limiter.tryAcquire("metrics", "user-7").allowed()).isTrue();
    assertThat(limiter.tryAcquire("metrics", "user-7").allowed()).isFalse();
    limiter.close();
  }

  @Test
  void the_client_options_serve() {
    String address = server.uri();
    RedisURI uri = RedisURI.create(address);
    uri.setTimeout(Duration.ofSeconds(1));
    RedisClient redisClient = RedisClient.create(uri);
    redisClient.setOptions(
        ClientOptions.builder()
            .socketOptions(SocketOptions.builder().connectTimeout(Duration.ofSeconds(1)).build())
            .build());

    try (RateLimiter limiter =
        RedisRateLimiter.builder(redisClient)
            .limit(Limit.of("metrics", 10, Duration.ofMinutes(1)))
            .deadline(Duration.ofSeconds(20))
            .build()) {
      assertThat(limiter.tryAcquire("metrics", "user-9").source()).isEqualTo(DecisionSource.REMOTE);
    } finally {
      redisClient.shutdown();
    }
  }

  @Test
  void the_rights_of_the_page_suffice_and_the_key_is_as_it_says() {
    AclSetuserArgs rights =
        AclSetuserArgs.Builder.reset()
            .on()
            .addPassword("secret")
            .keyPattern("escalera:ratelimit:*")
            .addCommand(CommandType.EVALSHA)
            .addCommand(CommandType.EVAL)
            .addCommand(CommandType.GET)
            .addCommand(CommandType.SET)
            .addCommand(CommandType.DEL)
            .addCommand(CommandType.ZADD)
            .addCommand(CommandType.ZREMRANGEBYSCORE)
            .addCommand(CommandType.ZCARD)
            .addCommand(CommandType.PEXPIRE)
            .addCommand(CommandType.TIME);
    RedisURI uri =
        RedisURI.builder()
            .withHost(server.host())
            .withPort(server.port())
            .withAuthentication("limiter", "secret")
            .build();
    RedisClient user = RedisClient.create(uri);
    try (StatefulRedisConnection<String, String> redis = client.connect();
        RateLimiter limiter =
            RedisRateLimiter.builder(user)
                .limit(Limit.of("metrics", 10, Duration.ofMinutes(1)))
                .deadline(Duration.ofSeconds(20))
                .onBackendFailure(FailurePolicy.LOCAL_FALLBACK)
                .build()) {
      redis.sync().aclSetuser("limiter", rights);
      redis.sync().scriptFlush();

      List<DecisionSource> sources =
          List.of(
              limiter.tryAcquire("metrics", "user-8").source(),
              limiter.tryAcquire("metrics", "user-8").source());

      assertThat(sources).containsOnly(DecisionSource.REMOTE);
      assertThat(redis.sync().get("escalera:ratelimit:{user-8}:metrics"))
          .matches("8 \\d+ \\d+ 1 6000000 10 0 10");
      assertThat(redis.sync().pttl("escalera:ratelimit:{user-8}:metrics"))
          .isBetween(1_000L, 13_000L);
    } finally {
      user.shutdown();
    }
  }

  @Nested
  @WithFirestore
  class OnFirestore {
    @Test
    void a_bucket_of_bucket4j_is_kept_in_firestore(Firestore firestore) {
      ProxyManager<String> manager = FirestoreProxyManager.builder(firestore).build();
      Bucket bucket =
          manager
              .builder()
              .build(
                  "user-7",
                  () ->
                      BucketConfiguration.builder()
                          .addLimit(
                              limit -> limit.capacity(10).refillGreedy(10, Duration.ofMinutes(1)))
                          .build());
      boolean admitted = bucket.tryConsume(1);

      assertThat(admitted).isTrue();
    }

    @Test
    void the_firestore_limiter_denies_after_its_burst(Firestore firestore) throws Exception {
      RateLimiter limiter =
          FirestoreRateLimiter.builder(firestore)
              .limit(Limit.of("export", 2, Duration.ofMinutes(10)))
              .deadline(Duration.ofSeconds(30))
              .build();

      assertThat(limiter.tryAcquire("export", "user-7", 2).allowed()).isTrue();
      assertThat(limiter.tryAcquire("export", "user-7").allowed()).isFalse();
      assertThat(firestore.document("escalera_ratelimit/export:user-7").get().get().getData())
          .containsOnlyKeys("tokens", "remainder", "at", "figures", "leases", "expireAt");
      limiter.close();
    }
  }
}
