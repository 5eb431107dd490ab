package dev.escalera.cache.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.escalera.cache.Await;
import dev.escalera.cache.EntryOptions;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import dev.escalera.testkit.RedisServer;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.KillArgs;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.resource.ClientResources;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a fleet does that hears of changes again. */
@WithRedis
class RedisReconnectTest {
  private static final List<String> KEYS = IntStream.range(0, 40).mapToObj(i -> "k" + i).toList();

  private final RedisServer server;
  private final ClientResources threads = ClientResources.create();
  private final String name = "cache-" + UUID.randomUUID();
  private final List<RedisClient> clients = new ArrayList<>();
  private final List<TieredCache<String, String>> nodes = new ArrayList<>();
  private final AtomicInteger loads = new AtomicInteger();

  RedisReconnectTest(RedisServer server) {
    this.server = server;
  }

  @AfterEach
  void close_all() {
    nodes.forEach(TieredCache::close);
    clients.forEach(RedisClient::shutdown);
    threads.shutdown();
    if (!server.isAlive()) {
      server.restart();
    }
  }

  private TieredCache<String, String> open(int rate) {
    RedisClient client = RedisClient.create(threads, server.uri());
    clients.add(client);
    TieredCache<String, String> cache =
        RedisTieredCache.builder(
                client, name, Duration.ofMinutes(10), KeyCodec.string(), ValueCodec.string())
            .remoteBudget(Duration.ofSeconds(20))
            .maxStaleness(Duration.ofSeconds(5))
            .recoveryRate(rate)
            .earlyRefresh(0)
            .build();
    nodes.add(cache);
    return cache;
  }

  private void awaitListening() {
    nodes.forEach(node -> Await.until("all listen", () -> !node.stats().fenced()));
  }

  private String load(String key) {
    return key + " " + loads.incrementAndGet();
  }

  @Test
  void fifty_nodes_that_reconnect_load_no_more_than_what_changed() {
    for (int i = 0; i < 50; i++) {
      open(1_000);
    }
    awaitListening();
    nodes.forEach(node -> KEYS.forEach(key -> node.get(key, this::load)));
    assertThat(loads).hasValue(KEYS.size());
    nodes.forEach(node -> assertThat(node.stats().l1Size()).isEqualTo(KEYS.size()));
    List<Duration> fenced = nodes.stream().map(node -> node.stats().fencedTime()).toList();

    List<String> changed = KEYS.subList(0, 3);
    try (StatefulRedisConnection<String, String> redis = clients.get(0).connect()) {
      redis.sync().clientKill(KillArgs.Builder.typePubsub());
      nodes.get(0).invalidateAll(changed);
    }
    for (int i = 0; i < nodes.size(); i++) {
      TieredCache<String, String> node = nodes.get(i);
      Duration before = fenced.get(i);
      Await.until(
          "it has noticed, and compared",
          () ->
              node.stats().fencedTime().compareTo(before) > 0
                  && !node.stats().fenced()
                  && node.stats().revalidated() >= KEYS.size() - changed.size());
    }
    for (TieredCache<String, String> node : nodes) {
      long l1Hits = node.stats().l1Hits();
      long l2Hits = node.stats().l2Hits();
      for (String key : KEYS.subList(changed.size(), KEYS.size())) {
        assertThat(node.get(key, this::load)).startsWith(key + " ");
      }
      assertThat(node.stats().l1Hits() - l1Hits).isEqualTo(KEYS.size() - changed.size());
      assertThat(node.stats().l2Hits()).isEqualTo(l2Hits);
    }
    assertThat(loads).as("no load of what did not change").hasValue(KEYS.size());
    nodes.forEach(node -> changed.forEach(key -> node.get(key, this::load)));
    assertThat(loads).as("one for each that did").hasValue(KEYS.size() + changed.size());
  }

  @Test
  void what_is_tagged_is_compared_with_its_tags() {
    TieredCache<String, String> cache = open(1_000);
    TieredCache<String, String> other = open(1_000);
    awaitListening();
    for (String key : KEYS) {
      other.put(key, "v", EntryOptions.tags(key.endsWith("7") ? "seven" : "none"));
    }
    Await.until("all is in L1", () -> l1Hits(cache) == KEYS.size());
    Duration fenced = cache.stats().fencedTime();
    try (StatefulRedisConnection<String, String> redis = clients.get(0).connect()) {
      redis.sync().clientKill(KillArgs.Builder.typePubsub());
      other.invalidateTag("seven");
    }
    Await.until(
        "it listens again",
        () -> cache.stats().fencedTime().compareTo(fenced) > 0 && !cache.stats().fenced());
    Await.until("what stands is served from L1", () -> l1Hits(cache) == KEYS.size() - 4);
    for (String key : KEYS) {
      assertThat(cache.getIfPresent(key)).isEqualTo(key.endsWith("7") ? null : "v");
    }
  }

  /** Reads all keys and returns how many L1 served. */
  private static long l1Hits(TieredCache<String, String> cache) {
    long before = cache.stats().l1Hits();
    KEYS.forEach(cache::getIfPresent);
    return cache.stats().l1Hits() - before;
  }

  @Test
  void a_restarted_redis_is_filled_anew_at_the_rate_that_was_set() {
    int rate = 40;
    TieredCache<String, String> cache = open(rate);
    awaitListening();
    List<String> keys = KEYS.subList(0, 20);
    keys.forEach(key -> cache.get(key, this::load));
    assertThat(cache.stats().l1Size()).isEqualTo(keys.size());
    server.kill();
    Await.until("it is fenced", () -> cache.stats().fenced());
    server.restart();
    awaitListening();
    Await.until("L1 is dropped", () -> cache.stats().l1Size() == 0);

    long began = System.nanoTime();
    ConcurrentLinkedQueue<Long> starts = new ConcurrentLinkedQueue<>();
    List<CompletableFuture<String>> reads = new ArrayList<>();
    for (String key : keys) {
      reads.add(
          cache
              .getAsync(
                  key,
                  same -> {
                    starts.add(System.nanoTime() - began);
                    return CompletableFuture.completedFuture("new");
                  })
              .toCompletableFuture());
    }
    reads.forEach(read -> assertThat(read.join()).isEqualTo("new"));
    List<Long> times = starts.stream().sorted().toList();
    assertThat(times).hasSize(keys.size());
    for (int i = 0; i < times.size(); i++) {
      assertThat(times.get(i))
          .as("start of load " + i + " in ns")
          .isGreaterThanOrEqualTo(i * 1_000_000_000L / rate);
    }
  }
}
