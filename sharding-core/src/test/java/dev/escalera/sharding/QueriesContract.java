package dev.escalera.sharding;

import static dev.escalera.sharding.Direction.ASCENDING;
import static dev.escalera.sharding.Direction.DESCENDING;
import static dev.escalera.sharding.Operator.ARRAY_CONTAINS;
import static dev.escalera.sharding.Operator.EQUAL;
import static dev.escalera.sharding.Operator.GREATER;
import static dev.escalera.sharding.Operator.GREATER_OR_EQUAL;
import static dev.escalera.sharding.Operator.IN;
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
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** How every router answers queries. */
public abstract class QueriesContract extends ShardRouterContract {
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
    Comparator<Document> byId = Comparator.comparing(Document::id, QueriesContract::utf8Order);
    try (ShardRouter router = create(messages())) {
      assertThat(router.writeAll(name, documents)).allMatch(DocumentResult::stored);
      Map<List<Object>, Document> stored = new HashMap<>();
      documents.forEach(document -> stored.put(List.of(document.id(), month(document)), document));
      Comparator<Document> byMonth = Comparator.comparing(QueriesContract::month);
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

  private static String month(Document document) {
    return time(document).toString().substring(0, 7);
  }

  private static int utf8Order(String one, String other) {
    return Arrays.compareUnsigned(one.getBytes(UTF_8), other.getBytes(UTF_8));
  }

  @Test
  void in_gives_what_equals_one_of_the_values_in_the_order() {
    ShardedCollection collection =
        messages().index(Index.asc("userId"), Index.asc("createdAt")).index(Index.asc("createdAt"));
    try (ShardRouter router = create(collection)) {
      List<Document> all = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        Instant at = JANUARY.plus(Duration.ofDays(i % 7 * 9L));
        all.add(message("m" + i, at, "u" + i % 5));
      }
      assertThat(router.writeAll(name, all)).allMatch(DocumentResult::stored);
      ShardQuery in =
          ShardQuery.from(name).where("userId", IN, List.of("u1", "u3", "none")).limit(7);
      Comparator<Document> byTime = Comparator.comparing(QueriesContract::time);
      Comparator<Document> byUser =
          Comparator.comparing(document -> String.valueOf(document.fields().get("userId")));
      Comparator<Document> byId = Comparator.comparing(Document::id, QueriesContract::utf8Order);
      List<Document> some =
          all.stream().filter(d -> List.of("u1", "u3").contains(d.fields().get("userId"))).toList();
      Map<ShardQuery, Comparator<Document>> orders =
          Map.of(
              in,
              byId,
              in.orderBy("createdAt", DESCENDING),
              byTime.thenComparing(byId).reversed(),
              in.orderBy("userId", DESCENDING).orderBy("createdAt", ASCENDING),
              byUser.reversed().thenComparing(byTime).thenComparing(byId),
              in.orderBy("createdAt", ASCENDING).orderBy("userId", ASCENDING),
              byTime.thenComparing(byUser).thenComparing(byId));
      orders.forEach(
          (query, order) -> {
            List<Document> expected = some.stream().sorted(order).toList();
            assertThat(pages(router, query)).as("%s", query).isEqualTo(expected);
            assertThat(backwards(router, query)).as("%s", query).isEqualTo(expected);
            assertThat(router.count(query).documents()).isEqualTo(24);
          });
    }
  }

  @Test
  void only_the_buckets_of_the_users_are_asked() {
    ShardedCollection byUser =
        ShardedCollection.named(name)
            .partitionBy(Partitioning.user("userId", "user_{userId}"))
            .index(Index.asc("userId"), Index.asc("v"));
    try (ShardRouter router = create(byUser)) {
      List<Document> documents = new ArrayList<>();
      for (long i = 0; i < 100; i++) {
        documents.add(Document.of("m" + i % 10, Map.of("userId", "u" + i / 10, "v", i)));
      }
      assertThat(router.writeAll(name, documents)).allMatch(DocumentResult::stored);
      ShardQuery query =
          ShardQuery.from(name).where("userId", IN, List.of("u3", "u7")).orderBy("v", DESCENDING);
      Page page = router.query(query);
      assertThat(page.cost().buckets()).isEqualTo(2);
      assertThat(page.items()).hasSize(20);
      assertThat(page.items().get(0)).isEqualTo(documents.get(79));
      assertThat(page.items().get(19)).isEqualTo(documents.get(30));
    }
  }

  @Test
  void array_contains_finds_what_has_the_element() {
    ShardedCollection collection =
        hashed()
            .index(Index.contains("tags"), Index.desc("v"))
            .index(Index.contains("tags"))
            .index(Index.asc("v"), Index.contains("tags"));
    try (ShardRouter router = create(collection)) {
      router.put(name, tagged("a", 1L, List.of("x", "y", "x", 1L)));
      router.put(name, tagged("b", 2L, List.of("y")));
      router.put(name, tagged("c", 3L, List.of("x", 1.0)));
      router.put(name, tagged("d", 4L, "x"));
      router.put(name, tagged("e", 5L, List.of()));
      ShardQuery query = ShardQuery.from(name);
      ShardQuery tagX = query.where("tags", ARRAY_CONTAINS, "x");
      assertThat(ids(router.query(tagX))).containsExactly("a", "c");
      assertThat(ids(router.query(tagX.orderBy("v", DESCENDING)))).containsExactly("c", "a");
      assertThat(ids(router.query(tagX.orderBy("v", ASCENDING)))).containsExactly("a", "c");
      assertThat(ids(router.query(query.where("tags", ARRAY_CONTAINS, 1L))))
          .containsExactly("a", "c");
      assertThat(ids(router.query(tagX.where("v", EQUAL, 3L)))).containsExactly("c");
      router.put(name, tagged("a", 1L, List.of("z")));
      assertThat(ids(router.query(tagX))).containsExactly("c");
      assertThat(router.count(tagX).documents()).isEqualTo(1);
      router.delete(name, PartitionKey.none(), "c");
      assertThat(router.query(tagX).items()).isEmpty();
    }
  }

  private static Document tagged(String id, long value, Object tags) {
    return Document.of(id, Map.of("v", value, "tags", tags));
  }

  @Test
  void an_index_that_is_declared_later_holds_what_was_there_before() {
    List<Document> documents = new ArrayList<>();
    for (long i = 0; i < 1_200; i++) {
      documents.add(Document.of("d" + i, Map.of("v", i, "w", -i % 100)));
    }
    ShardQuery byW = ShardQuery.from(name).orderBy("w", DESCENDING).limit(2_000);
    List<Document> expected =
        documents.stream()
            .sorted(
                Comparator.<Document, Long>comparing(d -> (Long) d.fields().get("w"))
                    .thenComparing(Document::id)
                    .reversed())
            .toList();
    try (ShardRouter before = create(hashed())) {
      assertThat(before.writeAll(name, documents)).allMatch(DocumentResult::stored);
      if (!isShared()) {
        return;
      }
      try (ShardRouter after = create(hashed().index(Index.asc("w")))) {
        assertThat(after.query(byW).items()).isEqualTo(expected);
        // One that does not know the index still writes.
        before.put(name, Document.of("late", Map.of("v", 0L, "w", 7L)));
        after.put(name, Document.of("known", Map.of("v", 0L, "w", 8L)));
        assertThat(ids(after.query(byW.limit(2)))).containsExactly("known", "late");
      }
    }
  }

  /** Whether two routers have the same documents. */
  protected boolean isShared() {
    return true;
  }

  @Test
  void pages_go_back_to_the_first() {
    try (ShardRouter router = create(messages())) {
      List<Document> all = new ArrayList<>();
      for (int i = 0; i < 23; i++) {
        all.add(message("m%02d".formatted(i), FEBRUARY.minus(Duration.ofDays(8L * i)), "u"));
      }
      assertThat(router.writeAll(name, all)).allMatch(DocumentResult::stored);
      ShardQuery query = ShardQuery.from(name).orderBy("createdAt", DESCENDING).limit(5);
      assertThat(router.query(query).previous()).isEmpty();
      assertThat(backwards(router, query)).isEqualTo(all);
      assertThat(backwards(router, query.limit(23))).isEqualTo(all);
      Page second = router.query(query.after(router.query(query).next().orElseThrow()));
      Page first = router.query(query.after(second.previous().orElseThrow()));
      assertThat(first.items()).isEqualTo(all.subList(0, 5));
      assertThat(first.previous()).isEmpty();
      assertThat(router.query(query.after(first.next().orElseThrow())).items())
          .isEqualTo(second.items());
    }
  }

  @Test
  void a_cursor_dies_of_age() {
    AtomicReference<Instant> now = new AtomicReference<>(FEBRUARY);
    try (ShardRouter router = create(now::get, messages())) {
      for (int i = 0; i < 3; i++) {
        router.put(name, message("m" + i, JANUARY, "u"));
      }
      ShardQuery query = ShardQuery.from(name).orderBy("createdAt", ASCENDING).limit(1);
      String cursor = router.query(query).next().orElseThrow();
      now.set(FEBRUARY.plus(Duration.ofHours(23)));
      assertThat(ids(router.query(query.after(cursor)))).containsExactly("m1");
      now.set(FEBRUARY.plus(Duration.ofHours(24)));
      assertThatThrownBy(() -> router.query(query.after(cursor)))
          .isInstanceOf(CursorException.class)
          .hasMessage("the cursor expired at 2026-02-02T00:00:00Z; start with the first page")
          .satisfies(e -> assertThat(((CursorException) e).expired()).isTrue());
    }
  }

  @Test
  void a_page_that_would_cost_too_much_is_refused() {
    try (ShardRouter router = create(messages())) {
      List<Document> all = new ArrayList<>();
      for (int i = 0; i < 90; i++) {
        all.add(message("m" + i, JANUARY.plus(Duration.ofDays(30L * (i % 9))), "u"));
      }
      assertThat(router.writeAll(name, all)).allMatch(DocumentResult::stored);
      ShardQuery query = ShardQuery.from(name).where("userId", EQUAL, "u").limit(50);
      assertThat(router.query(query).cost().reads()).isLessThanOrEqualTo(200);
      assertThatThrownBy(() -> router.query(query.maxReads(40)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageMatching(
              "the page would read up to \\d+ documents from \\d+ buckets, expected at most 40;"
                  + " .*");
      assertThatThrownBy(() -> query.maxReads(0)).hasMessage("maxReads is 0, expected at least 1");
    }
  }

  /** Whether pages can be as of one moment. */
  protected abstract boolean hasSnapshots();

  @Test
  void pages_as_of_the_first_show_what_was_there_then() {
    try (ShardRouter router = create(messages())) {
      List<Document> all = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        all.add(
            message("m%02d".formatted(i), FEBRUARY.minus(Duration.ofDays(9L * i)), "u" + i % 2));
      }
      assertThat(router.writeAll(name, all)).allMatch(DocumentResult::stored);
      ShardQuery query = ShardQuery.from(name).orderBy("createdAt", DESCENDING).limit(4).asOfNow();
      if (!hasSnapshots()) {
        assertThatThrownBy(() -> router.query(query))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("asOfNow()");
        return;
      }
      Page page = router.query(query);
      List<Document> paged = new ArrayList<>(page.items());
      for (int i = 0; page.next().isPresent(); i++) {
        router.delete(
            name, PartitionKey.of(time(all.get(i * 3 + 3))), "m%02d".formatted(i * 3 + 3));
        router.put(name, message("new" + i, JANUARY.minus(Duration.ofDays(20L * i)), "u"));
        router.put(name, message("m11", time(all.get(11)), "changed"));
        page = router.query(query.after(page.next().get()));
        paged.addAll(page.items());
      }
      assertThat(paged).isEqualTo(all);
      assertThat(router.query(query.limit(100)).items()).hasSize(12).isNotEqualTo(all);
    }
  }

  private static List<Document> pages(ShardRouter router, ShardQuery query) {
    List<Document> paged = new ArrayList<>();
    Page page = router.query(query);
    paged.addAll(page.items());
    while (page.next().isPresent()) {
      page = router.query(query.after(page.next().get()));
      paged.addAll(page.items());
    }
    return paged;
  }

  /** Goes to the last page, and back from there; what the pages show on the way back, in order. */
  private static List<Document> backwards(ShardRouter router, ShardQuery query) {
    Page page = router.query(query);
    while (page.next().isPresent()) {
      page = router.query(query.after(page.next().get()));
    }
    List<Document> paged = new ArrayList<>(page.items());
    while (page.previous().isPresent()) {
      page = router.query(query.after(page.previous().get()));
      paged.addAll(0, page.items());
    }
    return paged;
  }

  @Test
  void an_iterator_goes_over_all_pages() {
    try (ShardRouter router = create(messages())) {
      List<Document> all = written(router, 25);
      ShardQuery query = ShardQuery.from(name).orderBy("createdAt", ASCENDING).limit(4);
      List<Document> iterated = new ArrayList<>();
      router.iterate(query).forEachRemaining(iterated::add);
      assertThat(iterated).isEqualTo(all);
      Iterator<Document> none = router.iterate(query.where("createdAt", LESS, Instant.EPOCH));
      assertThat(none.hasNext()).isFalse();
      assertThatThrownBy(none::next).isInstanceOf(NoSuchElementException.class);
    }
  }

  @Test
  void a_publisher_gives_as_many_as_are_asked_for() throws Exception {
    try (ShardRouter router = create(messages())) {
      List<Document> all = written(router, 25);
      Flow.Publisher<Document> publisher =
          router.publish(ShardQuery.from(name).orderBy("createdAt", ASCENDING).limit(4));
      for (int step : new int[] {1, 3, 100}) {
        Collecting collecting = new Collecting(step);
        publisher.subscribe(collecting);
        assertThat(collecting.ended.get(20, TimeUnit.SECONDS)).isEqualTo(all);
        assertThat(collecting.most).isLessThanOrEqualTo(step);
      }
      Collecting cancelled = new Collecting(3);
      cancelled.cancelAt = 7;
      publisher.subscribe(cancelled);
      assertThat(cancelled.ended.get(20, TimeUnit.SECONDS)).isEqualTo(all.subList(0, 7));
      Collecting bad = new Collecting(0);
      publisher.subscribe(bad);
      assertThatThrownBy(() -> bad.ended.get(20, TimeUnit.SECONDS))
          .hasRootCauseMessage("request of 0, expected at least 1");
      Collecting failing = new Collecting(1);
      router
          .publish(ShardQuery.from(name).orderBy("createdAt", ASCENDING).maxReads(1))
          .subscribe(failing);
      assertThatThrownBy(() -> failing.ended.get(20, TimeUnit.SECONDS))
          .hasRootCauseInstanceOf(IllegalArgumentException.class);
    }
  }

  private List<Document> written(ShardRouter router, int count) {
    List<Document> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(message("m%02d".formatted(i), JANUARY.plus(Duration.ofDays(7L * i)), "u"));
    }
    assertThat(router.writeAll(name, all)).allMatch(DocumentResult::stored);
    return all;
  }

  /** Asks for some, and for as many again when they have come. */
  private static final class Collecting implements Flow.Subscriber<Document> {
    final CompletableFuture<List<Document>> ended = new CompletableFuture<>();
    final List<Document> items = new ArrayList<>();
    final int step;
    int cancelAt = Integer.MAX_VALUE;
    int outstanding;
    int most;
    Flow.@Nullable Subscription subscription;

    Collecting(int step) {
      this.step = step;
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
      outstanding = step;
      given.request(step);
    }

    @Override
    public void onNext(Document item) {
      items.add(item);
      most = Math.max(most, step - --outstanding);
      Flow.Subscription given = subscription;
      if (given != null && items.size() == cancelAt) {
        given.cancel();
        ended.complete(List.copyOf(items));
      } else if (given != null && outstanding == 0) {
        outstanding = step;
        given.request(step);
      }
    }

    @Override
    public void onError(Throwable failure) {
      ended.completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
      ended.complete(List.copyOf(items));
    }
  }

  /** The figures of docs/sharding.md, for documents that lie evenly over k buckets. */
  @Test
  void a_page_costs_about_one_round_and_few_reads() {
    Map<Integer, Double> readsARow = Map.of(1, 1.05, 4, 1.45, 16, 2.1, 64, 3.3);
    for (int buckets : List.of(1, 4, 16, 64)) {
      String named = name + "k" + buckets;
      ShardedCollection collection =
          ShardedCollection.named(named)
              .partitionBy(Partitioning.hash(buckets))
              .index(Index.asc("v"));
      try (ShardRouter router = create(collection)) {
        List<Document> all = new ArrayList<>();
        for (long i = 0; i < 1_000; i++) {
          all.add(Document.of("m" + i, Map.of("v", i)));
        }
        assertThat(router.writeAll(named, all)).allMatch(DocumentResult::stored);
        ShardQuery query = ShardQuery.from(named).orderBy("v", ASCENDING).limit(100);
        int reads = 0;
        int rounds = 0;
        int pages = 0;
        Optional<String> next = Optional.empty();
        do {
          Page page = router.query(next.map(query::after).orElse(query));
          reads += page.cost().reads();
          rounds += page.cost().rounds();
          pages++;
          assertThat(page.cost().buckets()).isEqualTo(buckets);
          next = page.next();
        } while (next.isPresent());
        assertThat(pages).isEqualTo(10);
        assertThat(reads / 1_000.0)
            .as("k = %d", buckets)
            .isLessThanOrEqualTo(readsARow.getOrDefault(buckets, 0.0));
        assertThat(rounds / 10.0)
            .as("k = %d", buckets)
            .isLessThanOrEqualTo(buckets == 1 ? 1.0 : 2.5);
      }
    }
  }
}
