package dev.escalera.sharding;

import static dev.escalera.sharding.Direction.ASCENDING;
import static dev.escalera.sharding.Operator.EQUAL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** How every router puts, gets, changes and removes documents. */
public abstract class DocumentsContract extends ShardRouterContract {
  @Test
  void values_of_every_type_come_back() {
    Map<String, @Nullable Object> fields = new HashMap<>();
    fields.put("null", null);
    fields.put("bool", true);
    fields.put("long", Long.MIN_VALUE);
    fields.put("double", -0.5);
    fields.put("nan", Double.NaN);
    fields.put("text", "a/b:c\r\n\u0000\ud83d\ude00");
    fields.put("time", Instant.parse("1969-12-31T23:59:59.999999Z"));
    fields.put("list", Arrays.asList(1L, null, Map.of("k", List.of())));
    fields.put("map", Map.of("a.b", 1L, "`", Map.of("deep", "x")));
    fields.put("a.b", "a name, no path");
    try (ShardRouter router = create(hashed())) {
      router.put(name, Document.of("a", fields));
      assertThat(router.get(name, PartitionKey.none(), "a")).contains(Document.of("a", fields));
      router.put(name, Document.of("a", Map.of("bytes", new byte[] {0, -1, 13})));
      Document replaced = router.get(name, PartitionKey.none(), "a").orElseThrow();
      assertThat(replaced.fields()).containsOnlyKeys("bytes");
      assertThat((byte[]) replaced.fields().get("bytes")).isEqualTo(new byte[] {0, -1, 13});
      router.put(name, Document.of("empty", Map.of()));
      assertThat(router.get(name, PartitionKey.none(), "empty"))
          .contains(Document.of("empty", Map.of()));
      router.delete(name, PartitionKey.none(), "a");
      router.delete(name, PartitionKey.none(), "a");
      assertThat(router.get(name, PartitionKey.none(), "a")).isEmpty();
    }
  }

  @Test
  void a_document_lies_in_the_partition_of_its_time_in_utc() {
    try (ShardRouter router = create(messages())) {
      router.put(name, message("m", JANUARY, "u1"));
      router.put(name, message("m", FEBRUARY, "u2"));

      assertThat(router.locate(name, message("m", JANUARY, "u"))).startsWith("2026_01#");
      assertThat(router.locate(name, message("m", FEBRUARY, "u"))).startsWith("2026_02#");
      assertThat(router.get(name, PartitionKey.of(Instant.parse("2026-01-05T00:00:00Z")), "m"))
          .contains(message("m", JANUARY, "u1"));
      assertThat(router.partitions(name))
          .containsExactly(new Partition("2026_01", 1), new Partition("2026_02", 1));
      router.delete(name, PartitionKey.of(JANUARY), "m");
      assertThat(router.get(name, PartitionKey.of(FEBRUARY), "m")).isPresent();
      assertThat(router.partitions(name))
          .containsExactly(new Partition("2026_01", 0), new Partition("2026_02", 1));
    }
  }

  @Test
  void users_have_partitions_of_their_own_whatever_their_names() {
    List<String> users =
        List.of("u1", "a/b", "..", "{}", "a#1", "a", "\u00e9", "e\u0301", "\ud83d", "%2F", "__x__");
    ShardedCollection byUser =
        ShardedCollection.named(name)
            .partitionBy(Partitioning.user("userId", "user_{userId}"))
            .index(Index.asc("userId"));
    try (ShardRouter router = create(byUser)) {
      for (String user : users) {
        if (!user.equals("\ud83d")) {
          router.put(name, Document.of("m", Map.of("userId", user)));
        }
      }
      for (String user : users) {
        Optional<Document> found = router.get(name, PartitionKey.of(user), "m");
        assertThat(found.map(document -> document.fields().get("userId")))
            .isEqualTo(user.equals("\ud83d") ? Optional.empty() : Optional.of(user));
      }
      Page page = router.query(ShardQuery.from(name).where("userId", EQUAL, "a/b"));
      assertThat(page.items()).hasSize(1);
      assertThat(page.cost().buckets()).isEqualTo(1);
    }
  }

  @Test
  void an_update_is_not_lost_among_others() throws Exception {
    try (ShardRouter router = create(hashed())) {
      router.put(name, Document.of("n", Map.of("v", 0L, "other", "x")));
      ExecutorService pool = Executors.newFixedThreadPool(4);
      try {
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
          all.add(
              pool.submit(
                  () -> {
                    for (int k = 0; k < 10; k++) {
                      router.update(name, PartitionKey.none(), "n", DocumentsContract::counted);
                    }
                  }));
        }
        for (Future<?> each : all) {
          each.get();
        }
      } finally {
        pool.shutdownNow();
      }
      assertThat(router.get(name, PartitionKey.none(), "n"))
          .contains(Document.of("n", Map.of("v", 40L)));
      assertThat(ids(router.query(ShardQuery.from(name).orderBy("v", ASCENDING))))
          .containsExactly("n");
      assertThat(router.update(name, PartitionKey.none(), "missing", document -> document))
          .isEmpty();
    }
  }

  private static Document counted(Document document) {
    return Document.of("n", Map.of("v", (Long) document.fields().getOrDefault("v", 0L) + 1));
  }

  @Test
  void an_update_gives_no_other_id_and_what_its_function_throws_comes_out() {
    try (ShardRouter router = create(messages())) {
      router.put(name, message("m", JANUARY, "u"));
      assertThatThrownBy(
              () ->
                  router.update(
                      name, PartitionKey.of(JANUARY), "m", document -> message("n", JANUARY, "u")))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "the change of document \"m\" gave it the id \"n\"; put it anew and delete this one");
      assertThatThrownBy(
              () ->
                  router.update(
                      name,
                      PartitionKey.of(JANUARY),
                      "m",
                      document -> {
                        throw new IllegalStateException("no");
                      }))
          .isInstanceOf(ShardingException.class)
          .hasRootCauseMessage("no");
      assertThat(router.get(name, PartitionKey.of(JANUARY), "m"))
          .contains(message("m", JANUARY, "u"));
    }
  }

  @Test
  void bulk_results_are_in_order_and_one_that_does_not_fit_fails_alone() {
    try (ShardRouter router = create(messages())) {
      List<Document> documents = new ArrayList<>();
      for (int i = 0; i < 1_200; i++) {
        documents.add(message("m" + i, JANUARY.plus(Duration.ofDays(i % 90)), "u"));
      }
      documents.set(7, Document.of("bad", Map.of()));
      documents.add(message("m0", JANUARY, "later"));

      List<DocumentResult> results = router.writeAll(name, documents);

      assertThat(results).hasSize(1_201);
      for (int i = 0; i < 1_201; i++) {
        assertThat(results.get(i).id()).isEqualTo(documents.get(i).id());
        assertThat(results.get(i).stored())
            .as("document %d: %s", i, results.get(i))
            .isEqualTo(i != 7);
      }
      assertThat(results.get(7).failure().orElseThrow()).hasMessageContaining("which is missing");
      assertThat(router.partitions(name).stream().mapToLong(Partition::documents).sum())
          .isEqualTo(1_199);
      assertThat(router.get(name, PartitionKey.of(JANUARY), "m0"))
          .contains(message("m0", JANUARY, "later"));
      assertThat(router.writeAll(name, List.of())).isEmpty();
    }
  }

  @Test
  void reading_makes_no_partition() {
    try (ShardRouter router = create(messages())) {
      assertThat(router.get(name, PartitionKey.of(JANUARY), "m")).isEmpty();
      assertThat(router.update(name, PartitionKey.of(JANUARY), "m", document -> document))
          .isEmpty();
      router.delete(name, PartitionKey.of(JANUARY), "m");
      assertThat(router.partitions(name)).isEmpty();
    }
  }

  @Test
  void a_change_runs_on_no_thread_of_a_driver_and_may_call_the_router() {
    try (ShardRouter router = create(hashed())) {
      router.put(name, Document.of("n", Map.of("v", 0L)));
      List<String> threads = new ArrayList<>();
      router.update(
          name,
          PartitionKey.none(),
          "n",
          document -> {
            threads.add(Thread.currentThread().getName());
            assertThat(router.get(name, PartitionKey.none(), "n")).contains(document);
            return counted(document);
          });
      assertThat(threads).hasSize(1).noneMatch(thread -> thread.matches("(?i).*(lettuce|grpc).*"));
    }
  }

  @Test
  void a_closed_router_says_so() {
    ShardRouter router = create(hashed());
    router.close();
    router.close();
    assertThatThrownBy(() -> router.put(name, Document.of("a", Map.of())))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageEndingWith("is closed");
  }

  @Test
  void a_document_is_found_though_its_partition_is_not_known() {
    ShardedCollection byUser =
        ShardedCollection.named(name + "u")
            .partitionBy(Partitioning.user("userId", "{userId}", 16));
    try (ShardRouter router = create(messages(), hashed(name + "h"), byUser)) {
      router.put(name, message("m", JANUARY, "u1"));
      router.put(name, message("m", FEBRUARY, "u2"));
      router.put(name, message("m1", FEBRUARY, "u2"));
      assertThat(router.findEverywhere(name, "m"))
          .containsExactly(message("m", JANUARY, "u1"), message("m", FEBRUARY, "u2"));
      assertThat(router.findEverywhere(name, "none")).isEmpty();
      router.put(name + "h", Document.of("m", Map.of("v", 1L)));
      assertThat(router.findEverywhere(name + "h", "m")).hasSize(1);
      for (int i = 0; i < 30; i++) {
        router.put(name + "u", Document.of("m", Map.of("userId", "u" + i)));
        router.put(name + "u", Document.of("m!", Map.of("userId", "u" + i)));
        router.put(name + "u", Document.of("m1", Map.of("userId", "u" + i)));
      }
      assertThat(router.findEverywhere(name + "u", "m"))
          .hasSize(30)
          .allMatch(document -> document.id().equals("m"))
          .doesNotHaveDuplicates();
    }
  }

  @Test
  void what_a_router_did_is_told_and_metered() {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    Instant now = Instant.parse("2026-11-24T12:00:00Z");
    try (ShardRouter router = create(() -> now, registry, hashed(), messages(name + "m"))) {
      router.put(name, Document.of("a", Map.of("v", 1L)));
      router.writeAll(
          name, List.of(Document.of("b", Map.of("v", 2L)), Document.of("c", Map.of("v", 3L))));
      router.update(name, PartitionKey.none(), "a", document -> document);
      router.update(name, PartitionKey.none(), "missing", document -> document);
      router.get(name, PartitionKey.none(), "a");
      router.delete(name, PartitionKey.none(), "b");
      Page page = router.query(ShardQuery.from(name));
      assertThatThrownBy(() -> router.update(name, PartitionKey.none(), "a", document -> null))
          .isInstanceOf(IllegalArgumentException.class);

      ShardStats stats = router.stats();
      assertThat(stats.since()).isEqualTo(now);
      assertThat(stats.collections()).containsOnlyKeys(name, name + "m");
      ShardStats.OfCollection of = Objects.requireNonNull(stats.collections().get(name));
      assertThat(of.configuration()).isEqualTo(hashed());
      long buckets = router.partitions(name).size();
      assertThat(of)
          .isEqualTo(
              new ShardStats.OfCollection(
                  hashed(), buckets, 3, 1, 1, 1, 1, page.cost().reads(), of.refusals(), 1));
      assertThat(registry.get("escalera.shard.put").tag("collection", name).functionCounter())
          .satisfies(counter -> assertThat(counter.count()).isEqualTo(3));
      assertThat(registry.getMeters()).hasSize(20);
    }
    assertThat(registry.getMeters()).isEmpty();
  }

  @Test
  void the_distribution_shows_skew_and_hot_keys() {
    try (ShardRouter router = create(messages())) {
      assertThat(router.distribution(name))
          .isEqualTo(new Distribution(List.of(), 0, 0, List.of(), 0));
      List<Document> documents = new ArrayList<>();
      for (int i = 0; i < 400; i++) {
        documents.add(message("m" + i, i % 8 == 0 ? FEBRUARY : JANUARY, "u"));
      }
      assertThat(router.writeAll(name, documents)).allMatch(DocumentResult::stored);
      Distribution distribution = router.distribution(name);
      assertThat(distribution.partitions())
          .extracting(Distribution.OfPartition::name, Distribution.OfPartition::documents)
          .containsExactly(tuple("2026_01", 350L), tuple("2026_02", 50L));
      assertThat(distribution.skew()).isEqualTo(1.75);
      assertThat(distribution.writesASecond()).isPositive();
      assertThat(distribution.hotKeys().get(0).key()).isEqualTo("2026_01");
      assertThat(distribution.hotKeys().get(0).share()).isBetween(0.6, 1.0);
      // A count costs a read a thousand documents of a bucket, at least one; a sample 24 a bucket.
      assertThat(distribution.reads()).isBetween(6L, 6L + 6 * 24);
      assertThat(distribution.partitions().get(0).bytes()).isBetween(350 * 30L, 350 * 500L);
      // As many documents of the same size take as much, whoever asks.
      double ratio =
          (double) distribution.partitions().get(0).bytes()
              / distribution.partitions().get(1).bytes();
      assertThat(ratio).isBetween(4.0, 8.0);
    }
  }

  @Test
  void the_bytes_of_a_partition_are_the_stores_whoever_wrote_them() {
    String big = "x".repeat(2_000);
    ShardedCollection collection = hashed().partitionBy(Partitioning.region("region"));
    try (ShardRouter router = create(collection)) {
      List<Document> documents = new ArrayList<>();
      for (long i = 0; i < 60; i++) {
        documents.add(Document.of("s" + i, Map.of("region", "small", "v", i)));
        documents.add(Document.of("b" + i, Map.of("region", "big", "v", i, "text", big)));
      }
      assertThat(router.writeAll(name, documents)).allMatch(DocumentResult::stored);
      List<Distribution.OfPartition> partitions = router.distribution(name).partitions();
      assertThat(partitions)
          .extracting(Distribution.OfPartition::name)
          .containsExactly("big", "small");
      assertThat(partitions.get(0).bytes()).isBetween(60 * 2_000L, 60 * 3_000L);
      assertThat(partitions.get(1).bytes()).isBetween(60 * 25L, 60 * 600L);
    }
  }
}
