package dev.escalera.sharding;

import static dev.escalera.sharding.Direction.ASCENDING;
import static dev.escalera.sharding.Direction.DESCENDING;
import static dev.escalera.sharding.Operator.EQUAL;
import static dev.escalera.sharding.Operator.GREATER;
import static dev.escalera.sharding.Operator.GREATER_OR_EQUAL;
import static dev.escalera.sharding.Operator.LESS;
import static dev.escalera.sharding.Operator.LESS_OR_EQUAL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
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
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** How every router goes over pages, forwards and backwards. */
public abstract class PagesContract extends ShardRouterContract {
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
      Comparator<Document> byMonth = Comparator.comparing(PagesContract::month);
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

  private static String month(Document document) {
    return time(document).toString().substring(0, 7);
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
}
