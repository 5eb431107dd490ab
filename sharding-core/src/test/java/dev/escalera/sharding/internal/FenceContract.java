package dev.escalera.sharding.internal;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.sharding.Direction;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.DocumentResult;
import dev.escalera.sharding.Index;
import dev.escalera.sharding.PartitionKey;
import dev.escalera.sharding.Partitioning;
import dev.escalera.sharding.ShardQuery;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.ShardingException;
import dev.escalera.sharding.internal.BucketStore.Home;
import dev.escalera.sharding.internal.BucketStore.Placed;
import dev.escalera.testkit.ModelTest;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

/** What fences and the catalog hold on every store. */
public abstract class FenceContract {
  private static final int WRITERS = 4;
  private static final Fence OPEN = new Fence(Fence.Mode.OPEN, 1, 1);
  private static final Fence FROZEN = new Fence(Fence.Mode.FROZEN, 1, 2);
  private static final Fence RETIRED = new Fence(Fence.Mode.RETIRED, 1, 3);

  private final String name = "f" + UUID.randomUUID().toString().replace("-", "");
  private final ShardedCollection collection =
      ShardedCollection.named(name).partitionBy(Partitioning.hash(4)).index(Index.asc("v"));
  private int buckets;

  /** Two targets, the catalog on the first of them; the same at each call of a test. */
  protected abstract BucketStore source();

  protected abstract BucketStore destination();

  protected abstract CatalogStore catalog();

  /** How often writers race with a flip. */
  protected abstract int races();

  private Bucket bucket() {
    return new Bucket(name, "p" + buckets++, 0);
  }

  private static Row row(String id, long value) {
    return new Row(id, Map.of("v", value));
  }

  @Test
  void a_bucket_without_a_fence_admits_no_writer() throws Exception {
    Home home = new Home(bucket(), 1);
    assertRefused(home, Optional.empty());
    assertThat(done(source().fence(home.bucket()))).isEmpty();
  }

  @Test
  void a_stale_writer_is_refused_single_and_bulk() throws Exception {
    Bucket bucket = bucket();
    Fence second = new Fence(Fence.Mode.OPEN, 2, 5);
    assertThat(done(source().raise(bucket, second))).isEqualTo(second);
    assertThat(done(source().raise(bucket, OPEN))).isEqualTo(second);
    done(source().put(collection, new Placed(new Home(bucket, 2), row("a", 1))));

    assertRefused(new Home(bucket, 1), Optional.of(second));
    assertRefused(new Home(bucket, 3), Optional.of(second));
    assertThat(contents(bucket)).containsExactly(Map.entry("a", 1L));
  }

  @Test
  void a_fence_that_is_flipped_refuses_until_it_is_opened_again() throws Exception {
    Bucket bucket = bucket();
    done(source().raise(bucket, OPEN));
    Home home = new Home(bucket, 1);
    done(source().put(collection, new Placed(home, row("a", 1))));
    assertThat(done(source().flip(bucket, OPEN, FROZEN))).isTrue();
    assertThat(done(source().fence(bucket))).contains(FROZEN);
    assertRefused(home, Optional.of(FROZEN));

    Fence again = new Fence(Fence.Mode.OPEN, 1, 4);
    assertThat(done(source().flip(bucket, OPEN, again))).isFalse();
    assertThat(done(source().flip(bucket, FROZEN, again))).isTrue();
    done(source().put(collection, new Placed(home, row("a", 2))));
    assertThat(contents(bucket)).containsExactly(Map.entry("a", 2L));
  }

  @Test
  void one_of_several_flips_takes_effect() throws Exception {
    Bucket bucket = bucket();
    done(source().raise(bucket, OPEN));
    List<CompletableFuture<Boolean>> flips = new ArrayList<>();
    for (int term = 2; term < 10; term++) {
      flips.add(source().flip(bucket, OPEN, new Fence(Fence.Mode.FROZEN, 1, term)));
    }
    List<Integer> won = new ArrayList<>();
    for (int i = 0; i < flips.size(); i++) {
      if (done(flips.get(i))) {
        won.add(i + 2);
      }
    }
    assertThat(won).hasSize(1);
    assertThat(done(source().fence(bucket))).contains(new Fence(Fence.Mode.FROZEN, 1, won.get(0)));
  }

  @Test
  void a_bulk_loses_only_what_lies_behind_the_closed_fence() throws Exception {
    List<Placed> placed = new ArrayList<>();
    Bucket closed = bucket();
    for (int i = 0; i < 6; i++) {
      Bucket bucket = i == 3 ? closed : bucket();
      done(source().raise(bucket, i == 3 ? FROZEN : OPEN));
      for (int k = 0; k < 5; k++) {
        placed.add(new Placed(new Home(bucket, 1), row("d" + k, k)));
      }
    }
    List<Optional<Throwable>> failures = done(source().putAll(collection, placed));
    for (int i = 0; i < placed.size(); i++) {
      boolean behind = placed.get(i).home().bucket().equals(closed);
      assertThat(failures.get(i).map(Throwable::getClass))
          .isEqualTo(behind ? Optional.of(FencedException.class) : Optional.empty());
    }
    assertThat(contents(closed)).isEmpty();
    assertThat(contents(placed.get(0).home().bucket())).hasSize(5);
  }

  @Test
  void an_entry_of_the_catalog_is_made_once_and_changed_by_one() throws Exception {
    Bucket bucket = bucket();
    Entry one = new Entry(bucket, "main", 1, 1);
    Entry other = new Entry(bucket, "second", 1, 1);
    List<CompletableFuture<List<Entry>>> registered = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      registered.add(catalog().register(List.of(i % 2 == 0 ? one : other)));
    }
    Entry standing = done(catalog().read(List.of(bucket))).get(0).orElse(one);
    for (CompletableFuture<List<Entry>> each : registered) {
      standing = done(each).get(0);
      assertThat(done(catalog().read(List.of(bucket)))).containsExactly(Optional.of(standing));
    }
    List<CompletableFuture<Boolean>> changes = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      changes.add(catalog().change(standing, new Entry(bucket, "t" + i, 2, 2 + i)));
    }
    int won = 0;
    for (CompletableFuture<Boolean> change : changes) {
      won += done(change) ? 1 : 0;
    }
    assertThat(won).isEqualTo(1);
    assertThat(done(catalog().change(standing, one))).isFalse();
    assertThat(done(catalog().read(List.of(bucket, bucket()))).get(1)).isEmpty();
  }

  @Test
  void the_catalog_is_listed_again_when_it_has_changed() throws Exception {
    Entry one = new Entry(bucket(), "main", 1, 1);
    done(catalog().register(List.of(one)));
    CatalogStore.Listing first = done(catalog().list(name, ""));
    assertThat(first.entries().orElseThrow()).containsExactly(one);
    assertThat(done(catalog().list(name, first.version())).entries()).isEmpty();
    Entry moved = new Entry(one.bucket(), "second", 2, 2);
    done(catalog().change(one, moved));
    assertThat(done(catalog().list(name, first.version())).entries().orElseThrow())
        .containsExactly(moved);
  }

  /** What one writer did: for its own documents it knows exactly what must be there. */
  private record Written(Map<String, Long> last, int acknowledged, int refused, int late) {}

  @Test
  void no_write_lands_after_the_flip() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(WRITERS);
    try {
      ModelTest.named("writers and a flip")
          .seeds(races())
          .check(random -> assertRace(pool, random));
    } finally {
      pool.shutdownNow();
    }
  }

  private void assertRace(ExecutorService pool, Random random) {
    try {
      Bucket bucket = bucket();
      done(source().raise(bucket, OPEN));
      CountDownLatch flipped = new CountDownLatch(1);
      CountDownLatch begun = new CountDownLatch(1 + random.nextInt(25));
      List<Future<Written>> writers = new ArrayList<>();
      for (int i = 0; i < WRITERS; i++) {
        writers.add(pool.submit(writer(i, new Home(bucket, 1), random.nextLong(), begun, flipped)));
      }
      assertThat(begun.await(30, SECONDS)).isTrue();
      assertThat(done(source().flip(bucket, OPEN, FROZEN))).isTrue();
      Map<String, Long> atTheFlip = contents(bucket);
      flipped.countDown();
      Map<String, Long> expected = new TreeMap<>();
      int acknowledged = 0;
      for (Future<Written> writer : writers) {
        Written written = writer.get(60, SECONDS);
        expected.putAll(written.last());
        acknowledged += written.acknowledged();
        assertThat(written.refused()).isPositive();
        assertThat(written.late()).as("writes that began after the flip").isZero();
      }
      assertThat(acknowledged).isPositive();
      assertThat(contents(bucket)).isEqualTo(atTheFlip).isEqualTo(expected);
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      throw new AssertionError(e);
    }
  }

  /** Writes to its own documents until it is refused some times after the flip. */
  private Callable<Written> writer(
      int number, Home home, long seed, CountDownLatch begun, CountDownLatch flipped) {
    return () -> {
      Random random = new Random(seed);
      Map<String, Long> last = new TreeMap<>();
      int acknowledged = 0;
      int refused = 0;
      int late = 0;
      int after = 0;
      for (long value = 1; after < 4 || (refused == 0 && after < 500); value++) {
        boolean isLate = flipped.getCount() == 0;
        after += isLate ? 1 : 0;
        try {
          Map<String, Long> written = write(number, home, random, value, last);
          last.putAll(written);
          last.values().removeIf(gone -> gone < 0);
          acknowledged++;
          // An update of what is not there writes nothing, and is not refused.
          late += isLate && !written.isEmpty() ? 1 : 0;
        } catch (ExecutionException e) {
          if (!(cause(e) instanceof FencedException)) {
            throw e;
          }
          refused++;
        }
        begun.countDown();
      }
      return new Written(last, acknowledged, refused, late);
    };
  }

  /** Writes in one of four ways; returns what must be there then, -1 for nothing. */
  private Map<String, Long> write(
      int number, Home home, Random random, long value, Map<String, Long> last)
      throws InterruptedException, ExecutionException, TimeoutException {
    String id = "w" + number + "-" + random.nextInt(3);
    switch (random.nextInt(4)) {
      case 0 -> {
        done(source().put(collection, new Placed(home, row(id, value))));
        return Map.of(id, value);
      }
      case 1 -> {
        Optional<Row> updated =
            done(source().update(collection, home, id, row -> row(row.id(), value)));
        assertThat(updated.isPresent()).isEqualTo(last.containsKey(id));
        return updated.isPresent() ? Map.of(id, value) : Map.of();
      }
      case 2 -> {
        done(source().delete(collection, home, id));
        return Map.of(id, -1L);
      }
      default -> {
        List<Placed> placed = new ArrayList<>();
        Map<String, Long> all = new TreeMap<>();
        for (int i = 0; i < 3; i++) {
          placed.add(new Placed(home, row("w" + number + "-b" + i, value)));
          all.put("w" + number + "-b" + i, value);
        }
        List<Optional<Throwable>> failures = done(source().putAll(collection, placed));
        Map<String, Long> stored = new TreeMap<>();
        Throwable refusal = null;
        for (int i = 0; i < 3; i++) {
          if (failures.get(i).isEmpty()) {
            stored.put("w" + number + "-b" + i, value);
          } else {
            refusal = failures.get(i).get();
          }
        }
        if (refusal != null) {
          // Some may be stored, and the flip may come in between: each is told.
          last.putAll(stored);
          throw new ExecutionException(refusal);
        }
        return all;
      }
    }
  }

  @Test
  void a_router_with_a_stale_catalog_writes_where_the_bucket_is() throws Exception {
    try (ShardRouter router = router(Duration.ofSeconds(20))) {
      Bucket bucket = moved(router);
      assertThat(contents(bucket)).isEmpty();
      done(destination().put(collection, new Placed(new Home(bucket, 2), row("kept", 1))));
      done(destination().put(collection, new Placed(new Home(bucket, 2), row("gone", 1))));
      List<String> ids = ids(router, bucket, 4);

      router.put(name, Document.of(ids.get(0), Map.of("v", 2L)));
      assertThat(
              router.writeAll(
                  name,
                  List.of(
                      Document.of(ids.get(1), Map.of("v", 3L)),
                      Document.of(ids.get(2), Map.of("v", 4L)))))
          .allMatch(DocumentResult::stored);
      router.update(
          name, PartitionKey.none(), ids.get(1), d -> Document.of(d.id(), Map.of("v", 5L)));
      router.delete(name, PartitionKey.none(), ids.get(2));

      assertThat(contents(destination(), bucket))
          .isEqualTo(new TreeMap<>(Map.of("kept", 1L, "gone", 1L, ids.get(0), 2L, ids.get(1), 5L)));
      CompletableFuture<Boolean> lacks =
          source()
              .get(bucket, ids.get(0))
              .handle((row, failure) -> failure != null || row.isEmpty());
      assertThat(done(lacks)).isTrue();
      assertThat(router.get(name, PartitionKey.none(), ids.get(0))).isPresent();
    }
  }

  @Test
  void a_write_waits_for_a_frozen_fence_and_gives_up_in_time() throws Exception {
    try (ShardRouter router = router(Duration.ofSeconds(20));
        ShardRouter impatient = router(Duration.ofMillis(100))) {
      router.put(name, Document.of("a", Map.of("v", 1L)));
      Bucket bucket = Bucket.parse(name, router.locate(name, Document.of("a", Map.of()))).get();
      BucketStore store = owner(bucket);
      assertThat(done(store.flip(bucket, OPEN, FROZEN))).isTrue();
      assertThatThrownBy(() -> impatient.put(name, Document.of("a", Map.of("v", 2L))))
          .isInstanceOf(ShardingException.class)
          .hasMessageContaining("has the fence FROZEN 1 2 and did not open; nothing was written");
      assertThat(impatient.writeAll(name, List.of(Document.of("a", Map.of("v", 2L)))))
          .noneMatch(DocumentResult::stored);

      CompletableFuture<Void> waiting =
          router.putAsync(name, Document.of("a", Map.of("v", 3L))).toCompletableFuture();
      assertThat(router.get(name, PartitionKey.none(), "a").orElseThrow().fields())
          .containsEntry("v", 1L);
      assertThat(waiting).isNotDone();
      assertThat(done(store.flip(bucket, FROZEN, new Fence(Fence.Mode.OPEN, 1, 3)))).isTrue();
      done(waiting);
      assertThat(router.get(name, PartitionKey.none(), "a").orElseThrow().fields())
          .containsEntry("v", 3L);
    }
  }

  @Test
  void new_buckets_go_to_all_targets_and_pages_come_from_all() throws Exception {
    try (ShardRouter router = router(Duration.ofSeconds(20))) {
      List<Document> documents = new ArrayList<>();
      for (long i = 0; i < 40; i++) {
        documents.add(Document.of("d" + i, Map.of("v", i)));
      }
      assertThat(router.writeAll(name, documents)).allMatch(DocumentResult::stored);
      ShardQuery query = ShardQuery.from(name).orderBy("v", Direction.ASCENDING);
      assertThat(router.query(query).items()).isEqualTo(documents);
      assertThat(router.count(query).documents()).isEqualTo(40);
      Map<String, Long> atSource = new TreeMap<>();
      Map<String, Long> atDestination = new TreeMap<>();
      for (int i = 0; i < 4; i++) {
        Bucket bucket = new Bucket(name, "hash_000" + i, 0);
        atSource.putAll(contents(source(), bucket));
        atDestination.putAll(contents(destination(), bucket));
      }
      assertThat(atSource).hasSizeBetween(5, 35);
      assertThat(atDestination).hasSize(40 - atSource.size());
    }
  }

  private ShardRouter router(Duration patience) {
    Map<String, BucketStore> stores = new LinkedHashMap<>();
    stores.put("main", source());
    stores.put("second", destination());
    return new Router(
        new Settings(
            "router",
            InstantSource.system(),
            System::nanoTime,
            Duration.ofDays(1),
            Duration.ofSeconds(5),
            patience,
            Optional.empty()),
        List.of(collection),
        new Targets(catalog(), stores));
  }

  private BucketStore owner(Bucket bucket) throws Exception {
    String owner = done(catalog().read(List.of(bucket))).get(0).orElseThrow().owner();
    return owner.equals("main") ? source() : destination();
  }

  /** Moves an empty bucket that the router knows, behind its back, from the source on. */
  private Bucket moved(ShardRouter router) throws Exception {
    for (int i = 0; ; i++) {
      Document document = Document.of("x" + i, Map.of("v", 0L));
      router.put(name, document);
      router.delete(name, PartitionKey.none(), document.id());
      Bucket bucket = Bucket.parse(name, router.locate(name, document)).orElseThrow();
      Entry entry = done(catalog().read(List.of(bucket))).get(0).orElseThrow();
      if (entry.owner().equals("main")) {
        assertThat(done(catalog().change(entry, new Entry(bucket, "second", 2, 2)))).isTrue();
        assertThat(done(source().flip(bucket, OPEN, RETIRED))).isTrue();
        done(destination().raise(bucket, new Fence(Fence.Mode.OPEN, 2, 2)));
        return bucket;
      }
    }
  }

  private List<String> ids(ShardRouter router, Bucket bucket, int count) {
    List<String> ids = new ArrayList<>();
    for (int i = 0; ids.size() < count; i++) {
      if (router.locate(name, Document.of("y" + i, Map.of())).equals(bucket.name())) {
        ids.add("y" + i);
      }
    }
    return ids;
  }

  private void assertRefused(Home home, Optional<Fence> fence) throws Exception {
    List<CompletableFuture<?>> refused =
        List.of(
            source().put(collection, new Placed(home, row("a", 9))),
            source().delete(collection, home, "a"));
    for (CompletableFuture<?> each : refused) {
      assertThatThrownBy(() -> done(each))
          .satisfies(
              failure ->
                  assertThat(failure.getCause())
                      .isInstanceOfSatisfying(
                          FencedException.class,
                          refusal -> assertThat(refusal.fence()).isEqualTo(fence)));
    }
    if (done(source().get(home.bucket(), "a")).isPresent()) {
      assertThatThrownBy(
              () -> done(source().update(collection, home, "a", row -> row(row.id(), 9))))
          .hasCauseInstanceOf(FencedException.class);
    }
    List<Optional<Throwable>> failures =
        done(
            source()
                .putAll(
                    collection,
                    List.of(new Placed(home, row("a", 9)), new Placed(home, row("b", 9)))));
    assertThat(failures)
        .hasSize(2)
        .allSatisfy(
            failure -> assertThat(failure.orElseThrow()).isInstanceOf(FencedException.class));
  }

  private Map<String, Long> contents(Bucket bucket)
      throws InterruptedException, ExecutionException, TimeoutException {
    Optional<Fence> fence = done(source().fence(bucket));
    return fence.filter(f -> f.mode() == Fence.Mode.RETIRED).isPresent()
        ? Map.of()
        : contents(source(), bucket);
  }

  private Map<String, Long> contents(BucketStore store, Bucket bucket)
      throws InterruptedException, ExecutionException, TimeoutException {
    Plan all = Selection.of(collection, ShardQuery.from(name), false).plans().get(0);
    Map<String, Long> contents = new TreeMap<>();
    for (Row row : done(store.query(bucket, all, Optional.empty(), 1_000, Optional.empty()))) {
      contents.put(row.id(), (Long) row.fields().get("v"));
    }
    return contents;
  }

  private static <T> T done(CompletableFuture<T> future)
      throws InterruptedException, ExecutionException, TimeoutException {
    try {
      return future.get(30, SECONDS);
    } catch (ExecutionException e) {
      throw new ExecutionException(cause(e));
    }
  }

  private static Throwable cause(ExecutionException e) {
    return Router.unwrap(Objects.requireNonNull(e.getCause(), "cause"));
  }
}
