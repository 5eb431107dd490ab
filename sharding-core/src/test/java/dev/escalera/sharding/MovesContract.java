package dev.escalera.sharding;

import static dev.escalera.sharding.Direction.DESCENDING;
import static dev.escalera.sharding.Operator.EQUAL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** How every router moves a document whose change makes it belong to another partition. */
public abstract class MovesContract extends ShardRouterContract {
  @Test
  void a_document_whose_time_changes_moves_to_the_month_of_it() {
    try (ShardRouter router = create(messages())) {
      router.put(name, message("m", JANUARY, "u"));
      router.put(name, message("n", JANUARY, "u"));
      Document moved = message("m", FEBRUARY, "v");

      assertThat(router.update(name, PartitionKey.of(JANUARY), "m", document -> moved))
          .contains(moved);

      assertThat(router.get(name, PartitionKey.of(JANUARY), "m")).isEmpty();
      assertThat(router.get(name, PartitionKey.of(FEBRUARY), "m")).contains(moved);
      ShardQuery query = ShardQuery.from(name).orderBy("createdAt", DESCENDING);
      assertThat(ids(router.query(query))).containsExactly("m", "n");
      assertThat(ids(router.query(query.where("userId", EQUAL, "u")))).containsExactly("n");
      assertThat(ids(router.query(query.where("userId", EQUAL, "v")))).containsExactly("m");
      assertThat(router.update(name, PartitionKey.of(JANUARY), "m", document -> moved)).isEmpty();
      Document back = message("m", JANUARY, "w");
      assertThat(router.update(name, PartitionKey.of(FEBRUARY), "m", document -> back))
          .contains(back);
      assertThat(router.partitions(name))
          .containsExactly(new Partition("2026_01", 2), new Partition("2026_02", 0));
    }
  }

  @Test
  void a_move_replaces_no_document() {
    try (ShardRouter router = create(messages())) {
      Document january = message("m", JANUARY, "u");
      Document february = message("m", FEBRUARY, "v");
      router.put(name, january);
      router.put(name, february);
      assertThatThrownBy(
              () ->
                  router.update(
                      name, PartitionKey.of(JANUARY), "m", d -> message("m", FEBRUARY, "u")))
          .isInstanceOf(ShardingException.class)
          .hasMessageContaining("already, which a move does not replace; nothing was written");
      assertThat(router.findEverywhere(name, "m")).containsExactly(january, february);
    }
  }

  @Test
  void a_document_moves_from_user_to_user_whether_they_share_a_bucket_or_not() {
    for (int buckets : new int[] {1, 16}) {
      String named = name + buckets;
      ShardedCollection byUser =
          ShardedCollection.named(named)
              .partitionBy(Partitioning.user("userId", "user_{userId}", buckets))
              .index(Index.asc("userId"));
      try (ShardRouter router = create(byUser)) {
        router.put(named, Document.of("m", Map.of("userId", "u0")));
        for (int i = 0; i < 8; i++) {
          Document next = Document.of("m", Map.of("userId", "u" + (i + 1)));
          assertThat(router.update(named, PartitionKey.of("u" + i), "m", document -> next))
              .contains(next);
          assertThat(router.findEverywhere(named, "m")).containsExactly(next);
        }
        ShardQuery query = ShardQuery.from(named);
        assertThat(router.query(query.where("userId", EQUAL, "u3")).items()).isEmpty();
        assertThat(router.query(query.where("userId", EQUAL, "u8")).items()).hasSize(1);
      }
    }
  }

  @Test
  void a_document_that_many_move_to_and_fro_is_in_one_place_and_no_change_is_lost()
      throws Exception {
    int threads = 3;
    int each = 6;
    try (ShardRouter router = create(messages())) {
      router.put(name, counting(JANUARY, 0));
      ExecutorService pool = Executors.newFixedThreadPool(threads);
      try {
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
          all.add(
              pool.submit(
                  () -> {
                    for (int done = 0; done < each; ) {
                      Optional<Document> moved = moved(router, JANUARY, FEBRUARY);
                      done +=
                          (moved.isPresent() || moved(router, FEBRUARY, JANUARY).isPresent())
                              ? 1
                              : 0;
                    }
                  }));
        }
        for (Future<?> one : all) {
          one.get();
        }
      } finally {
        pool.shutdownNow();
      }
      assertThat(router.findEverywhere(name, "m"))
          .singleElement()
          .satisfies(
              document -> assertThat(document.fields()).containsEntry("n", (long) threads * each));
    }
  }

  private Optional<Document> moved(ShardRouter router, Instant from, Instant to) {
    return router.update(
        name,
        PartitionKey.of(from),
        "m",
        document -> counting(to, (Long) document.fields().getOrDefault("n", 0L) + 1));
  }

  private static Document counting(Instant at, long n) {
    return Document.of("m", Map.of("createdAt", at, "userId", "u", "n", n));
  }

  @Test
  void a_change_that_gives_another_partition_each_time_is_given_up() {
    try (ShardRouter router = create(messages())) {
      router.put(name, message("m", JANUARY, "u"));
      AtomicInteger calls = new AtomicInteger();
      assertThatThrownBy(
              () ->
                  router.update(
                      name,
                      PartitionKey.of(JANUARY),
                      "m",
                      document ->
                          message(
                              "m",
                              FEBRUARY.plus(Duration.ofDays(31L * calls.getAndIncrement())),
                              "u")))
          .isInstanceOf(ShardingException.class)
          .hasRootCauseMessage("the change moves the document elsewhere each time");
      assertThat(calls.get()).isEqualTo(10);
      assertThat(router.findEverywhere(name, "m")).containsExactly(message("m", JANUARY, "u"));
    }
  }
}
