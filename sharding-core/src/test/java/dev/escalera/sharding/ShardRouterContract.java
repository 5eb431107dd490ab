package dev.escalera.sharding;

import static dev.escalera.sharding.Direction.ASCENDING;
import static dev.escalera.sharding.Direction.DESCENDING;
import static dev.escalera.sharding.Operator.EQUAL;
import static dev.escalera.sharding.Operator.GREATER;
import static dev.escalera.sharding.Operator.GREATER_OR_EQUAL;
import static dev.escalera.sharding.Operator.LESS;
import static dev.escalera.sharding.Operator.LESS_OR_EQUAL;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What every router does; a backend's test says how one is made. */
public abstract class ShardRouterContract {
  private static final Instant JANUARY = Instant.parse("2026-01-31T23:59:59.999999Z");
  private static final Instant FEBRUARY = Instant.parse("2026-02-01T00:00:00Z");

  /** Collections of their own keep the tests apart in a store. */
  protected final String name = "c" + UUID.randomUUID().toString().replace("-", "");

  protected abstract ShardRouter create(ShardedCollection... collections);

  private ShardedCollection messages() {
    return ShardedCollection.named(name)
        .partitionBy(Partitioning.date("createdAt", "YYYY_MM"))
        .spread(3)
        .index(Index.desc("createdAt"))
        .index(Index.asc("userId"), Index.desc("createdAt"))
        .index(Index.asc("userId"));
  }

  private ShardedCollection hashed() {
    return ShardedCollection.named(name).partitionBy(Partitioning.hash(4)).index(Index.asc("v"));
  }

  private static Document message(String id, Instant at, String user) {
    return Document.of(id, Map.of("createdAt", at, "userId", user));
  }

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
  void documents_that_do_not_fit_are_refused_and_nothing_is_written() {
    try (ShardRouter router = create(messages())) {
      assertThatThrownBy(() -> router.put(name, Document.of("m", Map.of("userId", "u"))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "document \"m\" goes to collection \""
                  + name
                  + "\" by field \"createdAt\", which is missing, expected a time (Instant)");
      assertThatThrownBy(() -> router.put(name, Document.of("m", Map.of("createdAt", "2026"))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("which is a String, expected a time (Instant)");
      assertThatThrownBy(() -> router.put("other", message("m", JANUARY, "u")))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("there is no collection \"other\", expected one of [" + name + "]");
      assertThatThrownBy(() -> router.get(name, PartitionKey.of("2026_01"), "m"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected PartitionKey.of(Instant)");
      assertThatThrownBy(() -> Document.of("a/b", Map.of()))
          .hasMessageStartingWith("id is \"a/b\", expected");
      assertThatThrownBy(() -> Document.of("..", Map.of()))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> Document.of("__x__", Map.of()))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> Document.of("", Map.of()))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> Document.of("\ud83d", Map.of()))
          .hasMessageContaining("lone surrogate");
      assertThat(router.partitions(name)).isEmpty();
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
                      router.update(name, PartitionKey.none(), "n", ShardRouterContract::counted);
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
  @SuppressWarnings("NullAway") // The point of the test.
  void null_is_refused_by_name() {
    try (ShardRouter router = create(hashed())) {
      assertThatThrownBy(() -> router.put(name, null))
          .isInstanceOf(NullPointerException.class)
          .hasMessage("document");
      assertThatThrownBy(() -> Document.of("a", null))
          .isInstanceOf(NullPointerException.class)
          .hasMessage("fields");
      router.put(name, Document.of("a", Map.of("v", 1L)));
      assertThatThrownBy(() -> router.update(name, PartitionKey.none(), "a", document -> null))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("the change of document \"a\" returned null");
      assertThat(router.get(name, PartitionKey.none(), "a")).isPresent();
    }
  }

  @Test
  void an_update_cannot_move_a_document_and_what_its_function_throws_comes_out() {
    try (ShardRouter router = create(messages())) {
      router.put(name, message("m", JANUARY, "u"));
      assertThatThrownBy(
              () ->
                  router.update(
                      name, PartitionKey.of(JANUARY), "m", document -> message("m", FEBRUARY, "u")))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("would move document \"m\"");
      assertThatThrownBy(
              () ->
                  router.update(
                      name, PartitionKey.of(JANUARY), "m", document -> message("n", JANUARY, "u")))
          .isInstanceOf(IllegalArgumentException.class);
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
  void pages_in_a_row_are_the_whole_order() {
    long seed = Long.getLong("escalera.seed", 20261124L);
    Random random = new Random(seed);
    List<Document> documents = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      // Few different times, so that ids decide often; one id in several partitions.
      Instant at =
          Instant.parse("2025-11-15T00:00:00Z").plus(Duration.ofDays(random.nextInt(8) * 20L));
      documents.add(
          message(
              (random.nextBoolean() ? "m" : "\ud83d\ude00\uffee") + random.nextInt(150),
              at,
              "u" + random.nextInt(4)));
    }
    Comparator<Document> byTime =
        Comparator.comparing(
            document -> (Instant) document.fields().getOrDefault("createdAt", JANUARY));
    Comparator<Document> byId = Comparator.comparing(Document::id, ShardRouterContract::utf8Order);
    try (ShardRouter router = create(messages())) {
      assertThat(router.writeAll(name, documents)).allMatch(DocumentResult::stored);
      Map<List<Object>, Document> stored = new HashMap<>();
      documents.forEach(document -> stored.put(List.of(document.id(), month(document)), document));
      Comparator<Document> byMonth = Comparator.comparing(ShardRouterContract::month);
      List<Document> all = new ArrayList<>(stored.values());

      ShardQuery every = ShardQuery.from(name);
      Instant from = Instant.parse("2025-12-05T00:00:00Z");
      Instant to = Instant.parse("2026-02-23T00:00:00Z");
      assertPages(router, every, all, document -> true, byId.thenComparing(byMonth), random, seed);
      assertPages(
          router,
          every.orderBy("createdAt", DESCENDING),
          all,
          document -> true,
          byTime.thenComparing(byId).reversed(),
          random,
          seed);
      assertPages(
          router,
          every.orderBy("createdAt", ASCENDING),
          all,
          document -> true,
          byTime.thenComparing(byId),
          random,
          seed);
      assertPages(
          router,
          every
              .where("createdAt", GREATER_OR_EQUAL, from)
              .where("createdAt", LESS, to)
              .orderBy("createdAt", DESCENDING),
          all,
          document -> !time(document).isBefore(from) && time(document).isBefore(to),
          byTime.thenComparing(byId).reversed(),
          random,
          seed);
      assertPages(
          router,
          every.where("createdAt", GREATER, from).where("createdAt", LESS_OR_EQUAL, to),
          all,
          document -> time(document).isAfter(from) && !time(document).isAfter(to),
          byTime.thenComparing(byId),
          random,
          seed);
      assertPages(
          router,
          every.where("userId", EQUAL, "u1").orderBy("createdAt", DESCENDING),
          all,
          document -> "u1".equals(document.fields().get("userId")),
          byTime.thenComparing(byId).reversed(),
          random,
          seed);
      assertPages(
          router,
          every.where("userId", EQUAL, "u2").orderBy("createdAt", ASCENDING),
          all,
          document -> "u2".equals(document.fields().get("userId")),
          byTime.thenComparing(byId),
          random,
          seed);
      assertPages(
          router,
          every.orderBy("userId", DESCENDING),
          all,
          document -> true,
          Comparator.<Document, String>comparing(
                  document -> String.valueOf(document.fields().get("userId")))
              .thenComparing(byId)
              .thenComparing(byMonth)
              .reversed(),
          random,
          seed);
    }
  }

  private static void assertPages(
      ShardRouter router,
      ShardQuery query,
      List<Document> all,
      Predicate<Document> selected,
      Comparator<Document> order,
      Random random,
      long seed) {
    List<Document> expected = all.stream().filter(selected).sorted(order).toList();
    List<Document> paged = new ArrayList<>();
    Optional<String> next = Optional.empty();
    do {
      ShardQuery page = query.limit(1 + random.nextInt(60));
      Page result = router.query(next.map(page::after).orElse(page));
      paged.addAll(result.items());
      next = result.next();
    } while (next.isPresent());
    assertThat(paged).as("seed %d, %s", seed, query).isEqualTo(expected);
  }

  @Test
  void values_are_ordered_as_in_firestore() {
    List<@Nullable Object> ordered =
        Arrays.asList(
            null,
            false,
            true,
            Double.NaN,
            Double.NEGATIVE_INFINITY,
            -Double.MAX_VALUE,
            Long.MIN_VALUE,
            Long.MIN_VALUE + 1,
            -1.5,
            -1L,
            -Double.MIN_VALUE,
            0L,
            Double.MIN_VALUE,
            1L,
            1.5,
            (1L << 53) - 1,
            1L << 53,
            (1L << 53) + 1,
            (1L << 53) + 2,
            Long.MAX_VALUE - 1,
            Long.MAX_VALUE,
            0x1p63,
            Double.MAX_VALUE,
            Double.POSITIVE_INFINITY,
            Instant.parse("1969-12-31T23:59:59.999999Z"),
            Instant.EPOCH,
            Instant.parse("2026-01-01T00:00:00.000001Z"),
            "",
            "\u0000",
            "\u0000a",
            "A",
            "a",
            "a\u0000",
            "aa",
            "b",
            "\u00e9",
            "\uffee",
            "\ud83d\ude00",
            new byte[0],
            new byte[] {0},
            new byte[] {0, 0},
            new byte[] {1},
            new byte[] {-1},
            List.of(),
            List.of(1L),
            List.of(1L, 2L),
            List.of(2L),
            List.of("a"),
            Map.of(),
            Map.of("a", 1L),
            Map.of("a", 1L, "b", 0L),
            Map.of("a", 2L),
            Map.of("b", 0L));
    List<Document> documents = new ArrayList<>();
    for (int i = 0; i < ordered.size(); i++) {
      documents.add(
          Document.of("d%03d".formatted(i), Collections.singletonMap("v", ordered.get(i))));
    }
    List<String> ids = documents.stream().map(Document::id).toList();
    List<String> reversed = new ArrayList<>(ids);
    Collections.reverse(reversed);
    documents.add(Document.of("lacks-it", Map.of("w", 1L)));
    Collections.shuffle(documents, new Random(7));
    try (ShardRouter router = create(hashed())) {
      assertThat(router.writeAll(name, documents)).allMatch(DocumentResult::stored);
      assertThat(allIds(router, ShardQuery.from(name).orderBy("v", ASCENDING).limit(1)))
          .isEqualTo(ids);
      assertThat(allIds(router, ShardQuery.from(name).orderBy("v", DESCENDING).limit(1)))
          .isEqualTo(reversed);

      ShardQuery v = ShardQuery.from(name).limit(100);
      assertThat(ids(router.query(v.where("v", EQUAL, 1.0)))).containsExactly("d013");
      assertThat(ids(router.query(v.where("v", EQUAL, null)))).containsExactly("d000");
      assertThat(ids(router.query(v.where("v", GREATER, Long.MAX_VALUE - 1))))
          .containsExactly("d020", "d021", "d022", "d023");
      assertThat(ids(router.query(v.where("v", LESS_OR_EQUAL, "A").orderBy("v", DESCENDING))))
          .containsExactly("d030", "d029", "d028", "d027");
      assertThat(ids(router.query(v.where("v", GREATER_OR_EQUAL, new byte[] {1}))))
          .containsExactly("d041", "d042");
      assertThat(ids(router.query(v.where("v", LESS, Instant.EPOCH)))).containsExactly("d024");
    }
  }

  @Test
  void a_query_that_no_index_serves_is_refused_with_the_index_that_would() {
    try (ShardRouter router = create(messages())) {
      ShardQuery query = ShardQuery.from(name);
      assertThatThrownBy(
              () ->
                  router.query(query.where("content", EQUAL, "x").orderBy("createdAt", DESCENDING)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "no index of collection \""
                  + name
                  + "\" serves this query; declare .index(asc(\"content\"), desc(\"createdAt\"))");
      assertThatThrownBy(
              () ->
                  router.query(query.where("userId", GREATER, "a").orderBy("createdAt", ASCENDING)))
          .hasMessage(
              "field \"userId\" is compared by order, but the first of the order is \"createdAt\"");
      assertThatThrownBy(
              () ->
                  router.query(
                      query.where("userId", GREATER, "a").where("createdAt", LESS, JANUARY)))
          .hasMessageContaining("expected one field at most");
      assertThatThrownBy(() -> query.where("userId", LESS, null))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> query.limit(0)).hasMessage("limit is 0, expected 1 to 10000");
    }
  }

  @Test
  void a_cursor_is_good_for_its_query_only() {
    try (ShardRouter router = create(messages())) {
      for (int i = 0; i < 5; i++) {
        router.put(name, message("m" + i, JANUARY, "u"));
      }
      ShardQuery query = ShardQuery.from(name).orderBy("createdAt", DESCENDING).limit(2);
      String cursor = router.query(query).next().orElseThrow();
      assertThat(ids(router.query(query.limit(10).after(cursor))))
          .containsExactly("m2", "m1", "m0");

      char flipped = cursor.charAt(cursor.length() / 2) == 'A' ? 'B' : 'A';
      String tampered =
          cursor.substring(0, cursor.length() / 2)
              + flipped
              + cursor.substring(cursor.length() / 2 + 1);
      for (String bad : List.of(tampered, "", "?", "AAAA", cursor + cursor)) {
        assertThatThrownBy(() -> router.query(query.after(bad)))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("the cursor was not given out for this query; start with the first page");
      }
      assertThatThrownBy(
              () ->
                  router.query(ShardQuery.from(name).orderBy("createdAt", ASCENDING).after(cursor)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void what_is_written_between_pages_disturbs_no_other() {
    try (ShardRouter router = create(messages())) {
      for (int i = 0; i < 10; i++) {
        router.put(name, message("m" + i, FEBRUARY.minus(Duration.ofDays(10L * i)), "u"));
      }
      ShardQuery query = ShardQuery.from(name).orderBy("createdAt", DESCENDING).limit(4);
      Page first = router.query(query);
      router.put(name, message("new", FEBRUARY.plus(Duration.ofDays(60)), "u"));
      router.delete(name, PartitionKey.of(FEBRUARY), "m0");
      router.put(name, message("between", FEBRUARY.minus(Duration.ofDays(45)), "u"));
      Page second = router.query(query.after(first.next().orElseThrow()));
      assertThat(ids(first)).containsExactly("m0", "m1", "m2", "m3");
      assertThat(ids(second)).containsExactly("m4", "between", "m5", "m6");
    }
  }

  @Test
  void only_partitions_that_can_hold_something_are_asked_and_no_more_than_needed() {
    try (ShardRouter router = create(messages())) {
      List<Document> documents = new ArrayList<>();
      for (int i = 0; i < 240; i++) {
        documents.add(
            message(
                "m" + i,
                Instant.parse("2025-01-15T00:00:00Z")
                    .plus(Duration.ofDays(30L * (i % 12)))
                    .plusSeconds(i),
                "u"));
      }
      assertThat(router.writeAll(name, documents)).allMatch(DocumentResult::stored);

      Page march =
          router.query(
              ShardQuery.from(name)
                  .where("createdAt", GREATER_OR_EQUAL, Instant.parse("2025-03-01T00:00:00Z"))
                  .where("createdAt", LESS, Instant.parse("2025-03-31T00:00:00Z"))
                  .orderBy("createdAt", DESCENDING));
      assertThat(march.items()).hasSize(20);
      assertThat(march.cost().buckets()).isEqualTo(3);

      Page latest = router.query(ShardQuery.from(name).orderBy("createdAt", DESCENDING).limit(5));
      assertThat(latest.cost().buckets()).isEqualTo(3);
      assertThat(latest.cost().reads()).isLessThanOrEqualTo(20);
    }
  }

  @Test
  void booleans_and_numbers_are_compared_as_in_firestore() {
    List<Document> documents =
        List.of(
            Document.of("false", Map.of("v", false)),
            Document.of("true", Map.of("v", true)),
            Document.of("nan", Map.of("v", Double.NaN)),
            Document.of("one", Map.of("v", 1L)));
    try (ShardRouter router = create(hashed())) {
      assertThat(router.writeAll(name, documents)).allMatch(DocumentResult::stored);
      ShardQuery v = ShardQuery.from(name);
      assertThat(ids(router.query(v.where("v", GREATER, false)))).containsExactly("true");
      assertThat(ids(router.query(v.where("v", GREATER_OR_EQUAL, false))))
          .containsExactly("false", "true");
      assertThat(ids(router.query(v.where("v", LESS, true).orderBy("v", DESCENDING))))
          .containsExactly("false");
      assertThat(ids(router.query(v.where("v", LESS_OR_EQUAL, true).orderBy("v", DESCENDING))))
          .containsExactly("true", "false");
      assertThat(ids(router.query(v.where("v", LESS, 5L)))).containsExactly("one");
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
  void times_that_firestore_cannot_hold_are_refused() {
    for (Instant time :
        List.of(
            Instant.MIN,
            Instant.parse("0000-12-31T23:59:59.999999Z"),
            Instant.parse("+10000-01-01T00:00:00Z"),
            Instant.MAX)) {
      assertThatThrownBy(() -> Document.of("m", Map.of("at", time)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("field \"at\" is " + time + ", expected a time of the years 0001 to 9999");
    }
    Map<String, Object> fields =
        Map.of(
            "createdAt",
            Instant.parse("0001-01-01T00:00:00Z"),
            "last",
            Instant.parse("9999-12-31T23:59:59.999999Z"));
    try (ShardRouter router = create(messages())) {
      router.put(name, Document.of("m", fields));
      assertThat(router.query(ShardQuery.from(name).orderBy("createdAt", ASCENDING)).items())
          .containsExactly(Document.of("m", fields));
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
  void a_partition_that_holds_nearly_all_takes_few_rounds() {
    ShardedCollection byUser =
        ShardedCollection.named(name)
            .partitionBy(Partitioning.user("userId", "user_{userId}"))
            .index(Index.asc("v"));
    List<Document> documents = new ArrayList<>();
    for (long i = 0; i < 1_000; i++) {
      documents.add(Document.of("m" + i, Map.of("userId", "u" + (i < 30 ? i : 7), "v", i)));
    }
    try (ShardRouter router = create(byUser)) {
      assertThat(router.writeAll(name, documents)).allMatch(DocumentResult::stored);
      Page page = router.query(ShardQuery.from(name).orderBy("v", ASCENDING).limit(999));
      assertThat(page.items()).isEqualTo(documents.subList(0, 999));
      assertThat(page.cost().rounds()).isLessThanOrEqualTo(6);
      assertThat(page.cost().reads()).isLessThanOrEqualTo(1_100);
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

  private static List<String> allIds(ShardRouter router, ShardQuery query) {
    List<String> ids = new ArrayList<>();
    Page page = router.query(query);
    ids.addAll(ids(page));
    while (page.next().isPresent()) {
      page = router.query(query.after(page.next().get()));
      ids.addAll(ids(page));
    }
    return ids;
  }

  private static List<String> ids(Page page) {
    return page.items().stream().map(Document::id).toList();
  }

  private static Instant time(Document document) {
    return (Instant) document.fields().getOrDefault("createdAt", JANUARY);
  }

  private static String month(Document document) {
    return time(document).toString().substring(0, 7);
  }

  private static int utf8Order(String one, String other) {
    return Arrays.compareUnsigned(one.getBytes(UTF_8), other.getBytes(UTF_8));
  }
}
