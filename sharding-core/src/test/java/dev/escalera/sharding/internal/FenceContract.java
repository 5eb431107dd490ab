package dev.escalera.sharding.internal;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.escalera.sharding.ShardingException;
import dev.escalera.sharding.internal.BucketStore.Home;
import dev.escalera.sharding.internal.BucketStore.Placed;
import dev.escalera.testkit.ModelTest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeoutException;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** What fences and the catalog hold on every store. */
public abstract class FenceContract extends StoreContract {
  private static final int WRITERS = 4;

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
    List<CompletableFuture<List<CatalogStore.Registered>>> registered = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      registered.add(catalog().register(List.of(i % 2 == 0 ? one : other)));
    }
    Entry standing = done(catalog().read(List.of(bucket))).get(0).orElse(one);
    int made = 0;
    for (CompletableFuture<List<CatalogStore.Registered>> each : registered) {
      CatalogStore.Registered found = done(each).get(0);
      standing = found.entry();
      made += found.isNew() ? 1 : 0;
      assertThat(done(catalog().read(List.of(bucket)))).containsExactly(Optional.of(standing));
    }
    assertThat(made).isEqualTo(1);
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
          .seeds(stores().races())
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

  @Test
  void a_document_moves_if_both_fences_admit_it_and_replaces_none() throws Exception {
    Home from = new Home(bucket(), 1);
    Home to = new Home(bucket(), 1);
    done(source().raise(from.bucket(), OPEN));
    done(source().put(collection, new Placed(from, row("a", 1))));
    assertMoveRefused(from, to, to.bucket(), Optional.empty());
    done(source().raise(to.bucket(), FROZEN));
    assertMoveRefused(from, to, to.bucket(), Optional.of(FROZEN));
    done(source().flip(to.bucket(), FROZEN, new Fence(Fence.Mode.OPEN, 1, 3)));
    assertMoveRefused(new Home(from.bucket(), 2), to, from.bucket(), Optional.of(OPEN));

    assertThat(done(move(from, "a", to, row -> row("b", 2)))).contains(row("b", 2));
    assertThat(contents(from.bucket())).isEmpty();
    assertThat(contents(to.bucket())).isEqualTo(Map.of("b", 2L));
    assertThat(done(move(from, "a", to, row -> row("b", 3)))).isEmpty();

    done(source().put(collection, new Placed(from, row("a", 4))));
    assertThatThrownBy(() -> done(move(from, "a", to, row -> row("b", 5))))
        .hasCauseInstanceOf(ShardingException.class)
        .hasStackTraceContaining("already, which a move does not replace; nothing was written");
    assertThat(contents(from.bucket())).isEqualTo(Map.of("a", 4L));
    assertThat(contents(to.bucket())).isEqualTo(Map.of("b", 2L));
    assertThat(done(move(to, "b", to, row -> row("c", 6)))).contains(row("c", 6));
    assertThat(contents(to.bucket())).isEqualTo(Map.of("c", 6L));
  }

  private CompletableFuture<Optional<Row>> move(
      Home from, String id, Home to, UnaryOperator<Row> change) {
    return source().move(collection, from, id, to, change);
  }

  private void assertMoveRefused(Home from, Home to, Bucket by, Optional<Fence> fence)
      throws Exception {
    assertThatThrownBy(() -> done(move(from, "a", to, row -> row("b", 9))))
        .satisfies(
            failure ->
                assertThat(failure.getCause())
                    .isInstanceOfSatisfying(
                        FencedException.class,
                        refusal -> {
                          assertThat(refusal.bucket()).isEqualTo(by);
                          assertThat(refusal.fence()).isEqualTo(fence);
                        }));
    assertThat(contents(from.bucket())).isEqualTo(Map.of("a", 1L));
    assertThat(contents(to.bucket())).isEmpty();
  }

  /** Some documents are moved to and fro, until one of the two fences is flipped. */
  @Test
  void no_move_lands_after_the_flip_of_either_fence() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(WRITERS);
    try {
      ModelTest.named("moves and a flip")
          .seeds(Math.max(5, stores().races() / 3))
          .check(random -> assertMovesRace(pool, random));
    } finally {
      pool.shutdownNow();
    }
  }

  private void assertMovesRace(ExecutorService pool, Random random) {
    try {
      Home one = new Home(bucket(), 1);
      Home other = new Home(bucket(), 1);
      done(source().raise(one.bucket(), OPEN));
      done(source().raise(other.bucket(), OPEN));
      CountDownLatch begun = new CountDownLatch(1 + random.nextInt(15));
      List<Future<String>> movers = new ArrayList<>();
      for (int i = 0; i < WRITERS; i++) {
        String id = "d" + i;
        done(source().put(collection, new Placed(one, row(id, 0))));
        movers.add(pool.submit(() -> movedUntilRefused(id, one, other, begun)));
      }
      assertThat(begun.await(30, SECONDS)).isTrue();
      Bucket flipped = (random.nextBoolean() ? one : other).bucket();
      assertThat(done(source().flip(flipped, OPEN, FROZEN))).isTrue();
      Map<String, Long> atTheFlip = contents(flipped);
      List<String> where = new ArrayList<>();
      for (Future<String> mover : movers) {
        where.add(mover.get(60, SECONDS));
      }
      assertThat(contents(flipped)).isEqualTo(atTheFlip);
      List<String> there = new ArrayList<>();
      contents(one.bucket()).forEach((id, value) -> there.add(id + " " + value));
      contents(other.bucket()).forEach((id, value) -> there.add(id + " " + value));
      assertThat(there).containsExactlyInAnyOrderElementsOf(where);
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      throw new AssertionError(e);
    }
  }

  /** Returns the id and how often it was moved. */
  private String movedUntilRefused(String id, Home one, Home other, CountDownLatch begun)
      throws InterruptedException, ExecutionException, TimeoutException {
    for (long moves = 0; ; moves++) {
      long next = moves + 1;
      try {
        Home from = moves % 2 == 0 ? one : other;
        Home to = moves % 2 == 0 ? other : one;
        assertThat(done(move(from, id, to, row -> row(id, next)))).isPresent();
      } catch (ExecutionException e) {
        if (!(cause(e) instanceof FencedException)) {
          throw e;
        }
        return id + " " + moves;
      } finally {
        begun.countDown();
      }
    }
  }
}
