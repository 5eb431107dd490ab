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
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Which documents every router selects, and in which order. */
public abstract class ConditionsContract extends ShardRouterContract {
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
      assertThat(ids(pages(router, ShardQuery.from(name).orderBy("v", ASCENDING).limit(1))))
          .isEqualTo(ids);
      assertThat(ids(pages(router, ShardQuery.from(name).orderBy("v", DESCENDING).limit(1))))
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
      Comparator<Document> byTime = Comparator.comparing(ShardRouterContract::time);
      Comparator<Document> byUser =
          Comparator.comparing(document -> String.valueOf(document.fields().get("userId")));
      Comparator<Document> byId =
          Comparator.comparing(Document::id, ShardRouterContract::utf8Order);
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
}
