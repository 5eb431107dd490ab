package dev.escalera.sharding.local;

import dev.escalera.sharding.IndexField;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.internal.After;
import dev.escalera.sharding.internal.Bucket;
import dev.escalera.sharding.internal.BucketStore;
import dev.escalera.sharding.internal.Fence;
import dev.escalera.sharding.internal.FencedException;
import dev.escalera.sharding.internal.Plan;
import dev.escalera.sharding.internal.Row;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Buckets in memory. */
final class LocalBuckets implements BucketStore {
  private final Map<Bucket, LocalBucket> buckets = new ConcurrentHashMap<>();
  private final Moments moments;

  LocalBuckets(Moments moments) {
    this.moments = moments;
  }

  @Override
  public CompletableFuture<Fence> raise(Bucket bucket, Fence proposed) {
    return done(() -> contents(bucket).raise(proposed));
  }

  @Override
  public CompletableFuture<Optional<Fence>> fence(Bucket bucket) {
    return done(() -> contents(bucket).fence());
  }

  @Override
  public CompletableFuture<Boolean> flip(Bucket bucket, Fence expected, Fence next) {
    return done(() -> contents(bucket).flip(expected, next));
  }

  @Override
  public CompletableFuture<Void> put(ShardedCollection collection, Placed placed) {
    return done(
        () -> {
          write(collection, placed);
          return null;
        });
  }

  @Override
  public CompletableFuture<List<Optional<Throwable>>> putAll(
      ShardedCollection collection, List<Placed> placed) {
    List<Optional<Throwable>> failures = new ArrayList<>();
    for (Placed each : placed) {
      try {
        write(collection, each);
        failures.add(Optional.empty());
      } catch (FencedException e) {
        failures.add(Optional.of(e));
      }
    }
    return CompletableFuture.completedFuture(failures);
  }

  @Override
  public CompletableFuture<Optional<Row>> get(Bucket bucket, String id) {
    return done(() -> Optional.ofNullable(contents(bucket).get(id)));
  }

  @Override
  public CompletableFuture<Optional<Row>> update(
      ShardedCollection collection, Home home, String id, UnaryOperator<Row> change) {
    return done(() -> Optional.ofNullable(updated(collection, home, id, change)));
  }

  @Override
  public CompletableFuture<Optional<Row>> move(
      ShardedCollection collection, Home from, String id, Home to, UnaryOperator<Row> change) {
    return done(() -> Optional.ofNullable(moved(collection, from, id, to, change)));
  }

  @Override
  public CompletableFuture<Size> size(
      ShardedCollection collection, Bucket bucket, long documents, int sample) {
    return done(() -> contents(bucket).size(sample));
  }

  @Override
  public CompletableFuture<Void> delete(ShardedCollection collection, Home home, String id) {
    return done(
        () -> {
          indexed(collection, home.bucket()).write(home, id, null);
          return null;
        });
  }

  @Override
  public CompletableFuture<List<Row>> query(
      Bucket bucket, Plan plan, Optional<After> after, int limit, Optional<Instant> at) {
    return done(
        () ->
            contents(bucket)
                .query(
                    plan.index(),
                    plan.range(after),
                    plan.reversed(),
                    limit,
                    at.map(Moments::micros).orElse(Long.MAX_VALUE)));
  }

  @Override
  public CompletableFuture<Long> count(Bucket bucket, Plan plan) {
    return done(() -> contents(bucket).count(plan.index(), plan.range(Optional.empty())));
  }

  @Override
  public void close() {
    buckets.clear();
  }

  private void write(ShardedCollection collection, Placed placed) {
    indexed(collection, placed.home().bucket())
        .write(placed.home(), placed.row().id(), placed.row());
  }

  private @Nullable Row updated(
      ShardedCollection collection, Home home, String id, UnaryOperator<Row> change) {
    LocalBucket contents = indexed(collection, home.bucket());
    while (true) {
      Row before = contents.get(id);
      if (before == null) {
        return null;
      }
      // The host's code runs outside the lock.
      Row after = change.apply(before);
      if (contents.replace(home, id, before, after)) {
        return after;
      }
    }
  }

  private @Nullable Row moved(
      ShardedCollection collection, Home from, String id, Home to, UnaryOperator<Row> change) {
    LocalBucket source = indexed(collection, from.bucket());
    LocalBucket destination = indexed(collection, to.bucket());
    while (true) {
      Row before = source.get(id);
      if (before == null) {
        return null;
      }
      Row after = change.apply(before);
      if (source.move(from, before, destination, to, after)) {
        return after;
      }
    }
  }

  private LocalBucket contents(Bucket bucket) {
    return buckets.computeIfAbsent(bucket, made -> new LocalBucket(made, moments));
  }

  private LocalBucket indexed(ShardedCollection collection, Bucket bucket) {
    LocalBucket contents = contents(bucket);
    contents.index(List.of());
    for (List<IndexField> index : collection.indexes()) {
      contents.index(index);
    }
    return contents;
  }

  private static <T> CompletableFuture<T> done(Supplier<T> work) {
    try {
      return CompletableFuture.completedFuture(work.get());
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }
}
