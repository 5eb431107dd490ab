package dev.escalera.sharding;

import static dev.escalera.sharding.Direction.ASCENDING;
import static dev.escalera.sharding.Direction.DESCENDING;
import static dev.escalera.sharding.Operator.GREATER_OR_EQUAL;
import static dev.escalera.sharding.Operator.IN;
import static dev.escalera.sharding.Operator.LESS;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What a page costs on every router: buckets, reads and rounds. */
public abstract class CostsContract extends ShardRouterContract {
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
                  .where("createdAt", LESS, Instant.parse("2025-04-01T00:00:00Z"))
                  .orderBy("createdAt", DESCENDING));
      assertThat(march.items()).hasSize(20);
      assertThat(march.cost().buckets()).isEqualTo(3);

      Page latest = router.query(ShardQuery.from(name).orderBy("createdAt", DESCENDING).limit(5));
      assertThat(latest.cost().buckets()).isEqualTo(3);
      assertThat(latest.cost().reads()).isLessThanOrEqualTo(20);
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
