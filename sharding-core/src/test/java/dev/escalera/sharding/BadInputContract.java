package dev.escalera.sharding;

import static dev.escalera.sharding.Direction.ASCENDING;
import static dev.escalera.sharding.Direction.DESCENDING;
import static dev.escalera.sharding.Operator.EQUAL;
import static dev.escalera.sharding.Operator.GREATER;
import static dev.escalera.sharding.Operator.LESS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** What every router refuses, by a typed error that says what to do; nothing is written. */
public abstract class BadInputContract extends ShardRouterContract {
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
      for (String text : List.of("\ud83d", "\ude00\ud83d", "a\ud83d\ud83d\ude00", "\ude00")) {
        assertThatThrownBy(() -> Document.of(text, Map.of()))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageStartingWith("id has a lone surrogate, which UTF-8 cannot express");
        assertThatThrownBy(() -> Document.of("m", Map.of("f", text)))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageStartingWith("field \"f\" has a lone surrogate");
      }
      assertThat(router.partitions(name)).isEmpty();
    }
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

  @Test
  void an_id_or_a_name_that_is_too_long_or_hostile_is_refused() {
    ShardedCollection byUser =
        ShardedCollection.named(name).partitionBy(Partitioning.user("userId", "user_{userId}"));
    String most = "\u00e9".repeat(750);
    try (ShardRouter router = create(byUser, hashed(name + "h"))) {
      router.put(name + "h", Document.of(most, Map.of("v", 1L)));
      assertThat(router.get(name + "h", PartitionKey.none(), most)).isPresent();
      assertThatThrownBy(() -> Document.of(most + "x", Map.of()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageEndingWith(
              "expected 1 to 1,500 bytes in UTF-8 without \"/\", not \".\", \"..\" or \"__\u2026__\"");
      // The partition of a user is a part of what the store knows the document by.
      assertThatThrownBy(() -> router.put(name, Document.of(most, Map.of("userId", "u"))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageEndingWith("bytes in UTF-8, expected at most 1500");
      assertThatThrownBy(
              () -> router.put(name, Document.of("m", Map.of("userId", "x".repeat(1_500)))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected at most 1400");
      List<DocumentResult> results =
          router.writeAll(name, List.of(Document.of(most, Map.of("userId", "u"))));
      assertThat(results.get(0).failure().orElseThrow())
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(router.partitions(name)).isEmpty();
    }
  }

  @Test
  void a_collection_that_is_not_known_is_refused_by_every_call() {
    try (ShardRouter router = create(hashed())) {
      List<ThrowingCallable> calls =
          List.of(
              () -> router.put("other", Document.of("m", Map.of())),
              () -> router.get("other", PartitionKey.none(), "m"),
              () -> router.update("other", PartitionKey.none(), "m", document -> document),
              () -> router.delete("other", PartitionKey.none(), "m"),
              () -> router.writeAll("other", List.of()),
              () -> router.query(ShardQuery.from("other")),
              () -> router.count(ShardQuery.from("other")),
              () -> router.partitions("other"),
              () -> router.distribution("other"),
              () -> router.findEverywhere("other", "m"),
              () -> router.locate("other", Document.of("m", Map.of())),
              () -> router.iterate(ShardQuery.from("other")).hasNext());
      assertThat(calls)
          .allSatisfy(
              call ->
                  assertThatThrownBy(call)
                      .isInstanceOf(IllegalArgumentException.class)
                      .hasMessage(
                          "there is no collection \"other\", expected one of [" + name + "]"));
    }
  }

  @Test
  void a_query_that_would_ask_too_many_buckets_is_refused_without_a_read() {
    ShardedCollection wide =
        ShardedCollection.named(name)
            .partitionBy(Partitioning.region("region"))
            .spread(256)
            .index(Index.asc("region"));
    List<String> regions = IntStream.range(0, 17).mapToObj(i -> "r" + i).toList();
    try (ShardRouter router = create(wide)) {
      assertThatThrownBy(
              () -> router.query(ShardQuery.from(name).where("region", Operator.IN, regions)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "the query would ask 4352 buckets at once, expected at most 4096; add a condition on"
                  + " the field that partitions go by");
      assertThat(router.stats().collections().values())
          .allSatisfy(stats -> assertThat(stats.reads()).isZero());
    }
  }
}
