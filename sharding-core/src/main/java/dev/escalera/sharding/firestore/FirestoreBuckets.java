package dev.escalera.sharding.firestore;

import com.google.cloud.Timestamp;
import com.google.cloud.firestore.FieldPath;
import com.google.cloud.firestore.Query;
import com.google.cloud.firestore.QuerySnapshot;
import com.google.cloud.firestore.TransactionOptions;
import dev.escalera.sharding.Condition;
import dev.escalera.sharding.Direction;
import dev.escalera.sharding.Order;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.internal.After;
import dev.escalera.sharding.internal.Bounded;
import dev.escalera.sharding.internal.Bucket;
import dev.escalera.sharding.internal.BucketStore;
import dev.escalera.sharding.internal.Fence;
import dev.escalera.sharding.internal.FencedException;
import dev.escalera.sharding.internal.Plan;
import dev.escalera.sharding.internal.Row;
import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Buckets in one Firestore database. */
final class FirestoreBuckets implements BucketStore {
  static final int MAX_IN_FLIGHT = 4_096;
  private static final int MAX_BATCH = 500;
  private static final long MAX_BATCH_BYTES = 3_500_000;

  /** Of the parts of one batch; those of all batches in flight stay below what may be. */
  private static final int ALONE_AT_ONCE = 16;

  private final Paths paths;
  private final FirestoreLink link;
  private final Fences fences;
  private final Pace commits;
  private final Pace queries;

  FirestoreBuckets(Paths paths, FirestoreLink link, Duration deadline) {
    this.paths = paths;
    this.link = link;
    this.fences = new Fences(paths, link);
    this.commits = new Pace(deadline.dividedBy(20), 4, 32, System::nanoTime);
    this.queries = new Pace(deadline.dividedBy(50), 32, 256, System::nanoTime);
  }

  @Override
  public CompletableFuture<Fence> raise(Bucket bucket, Fence proposed) {
    return fences.raise(bucket, proposed);
  }

  @Override
  public CompletableFuture<Void> raiseAll(List<Bucket> buckets, Fence proposed) {
    return fences.raiseAll(buckets, proposed);
  }

  @Override
  public CompletableFuture<Optional<Fence>> fence(Bucket bucket) {
    return fences.fence(bucket);
  }

  @Override
  public CompletableFuture<Boolean> flip(Bucket bucket, Fence expected, Fence next) {
    return fences.flip(bucket, expected, next);
  }

  @Override
  public CompletableFuture<Void> put(ShardedCollection collection, Placed placed) {
    return commit(List.of(placed));
  }

  @Override
  public CompletableFuture<List<Optional<Throwable>>> putAll(
      ShardedCollection collection, List<Placed> placed) {
    // By bucket, so that a commit carries few fences.
    List<Integer> byBucket =
        IntStream.range(0, placed.size())
            .boxed()
            .sorted(Comparator.comparing(place -> placed.get(place).home().bucket().name()))
            .toList();
    List<Placed> sorted = byBucket.stream().map(placed::get).toList();
    return fences
        .learn(sorted.stream().map(each -> each.home().bucket()).toList())
        .thenCompose(known -> Bounded.all(batches(sorted), commits::atOnce, this::putTogether))
        .thenApply(
            failures -> {
              List<Optional<Throwable>> inOrder = new ArrayList<>(placed.size());
              placed.forEach(each -> inOrder.add(Optional.empty()));
              int next = 0;
              for (List<Optional<Throwable>> batch : failures) {
                for (Optional<Throwable> failure : batch) {
                  inOrder.set(byBucket.get(next++), failure);
                }
              }
              return inOrder;
            });
  }

  @Override
  public CompletableFuture<Optional<Row>> get(Bucket bucket, String id) {
    return link.call(paths.document(bucket, id)::get).thenApply(Values::toRow);
  }

  @Override
  public CompletableFuture<Optional<Row>> update(
      ShardedCollection collection, Home home, String id, UnaryOperator<Row> change) {
    return new CompareAndSet(paths, link, fences, home, id, change).run();
  }

  @Override
  public CompletableFuture<Optional<Row>> move(
      ShardedCollection collection, Home from, String id, Home to, UnaryOperator<Row> change) {
    return new FirestoreMove(paths, link, fences, from, id, to, change).run();
  }

  @Override
  public CompletableFuture<Size> size(
      ShardedCollection collection, Bucket bucket, long documents, int sample) {
    if (documents == 0) {
      return CompletableFuture.completedFuture(new Size(0, 0));
    }
    Query some = paths.documents(bucket).orderBy(FieldPath.documentId()).limit(sample);
    return link.call(some::get)
        .thenApply(
            found -> {
              long bytes =
                  found.getDocuments().stream()
                      .flatMap(row -> Values.toRow(row).stream())
                      .mapToLong(row -> Sizes.of(row) + Sizes.ofNameOf(bucket))
                      .sum();
              int seen = found.size();
              return new Size(seen == 0 ? 0 : bytes * documents / seen, Math.max(1, seen));
            });
  }

  @Override
  public CompletableFuture<Void> delete(ShardedCollection collection, Home home, String id) {
    return new FencedCommit(
            paths,
            link,
            fences,
            List.of(home),
            batch -> batch.delete(paths.document(home.bucket(), id)))
        .run();
  }

  @Override
  public CompletableFuture<List<Row>> query(
      Bucket bucket, Plan plan, Optional<After> after, int limit, Optional<Instant> at) {
    Query query = selected(bucket, plan);
    for (Order order : plan.orders()) {
      query = query.orderBy(FieldPath.of(order.field()), direction(order.direction()));
    }
    query = query.orderBy(FieldPath.documentId(), direction(plan.idDirection())).limit(limit);
    if (after.isPresent() && !(after.get().values().isEmpty() && after.get().id().isEmpty())) {
      List<@Nullable Object> place = new ArrayList<>();
      after.get().values().forEach(value -> place.add(Values.toFirestore(value)));
      after.get().id().ifPresent(place::add);
      query =
          after.get().inclusive()
              ? query.startAt(place.toArray())
              : query.startAfter(place.toArray());
    }
    Query complete = query;
    CompletableFuture<QuerySnapshot> found =
        queries.timed(() -> at.isEmpty() ? link.call(complete::get) : asOf(complete, at.get()));
    return found.thenApply(
        rows -> rows.getDocuments().stream().flatMap(row -> Values.toRow(row).stream()).toList());
  }

  @Override
  public CompletableFuture<Long> count(Bucket bucket, Plan plan) {
    Query query = selected(bucket, plan);
    // Documents that lack a field of the order are not selected.
    for (Order order : plan.orders()) {
      query = query.orderBy(FieldPath.of(order.field()), direction(order.direction()));
    }
    Query complete = query;
    return queries
        .timed(() -> link.call(() -> complete.count().get()))
        .thenApply(found -> found.getCount());
  }

  @Override
  public int queriesAtOnce() {
    return queries.atOnce();
  }

  @Override
  public void close() {
    link.close();
  }

  private CompletableFuture<QuerySnapshot> asOf(Query query, Instant at) {
    TransactionOptions options =
        TransactionOptions.createReadOnlyOptionsBuilder()
            .setReadTime(
                Timestamp.ofTimeSecondsAndNanos(at.getEpochSecond(), at.getNano()).toProto())
            .build();
    return link.call(
        () ->
            paths.firestore().runAsyncTransaction(transaction -> transaction.get(query), options));
  }

  private Query selected(Bucket bucket, Plan plan) {
    Query query = paths.documents(bucket);
    for (Map.Entry<String, @Nullable Object> equal : plan.equal().entrySet()) {
      query =
          query.whereEqualTo(FieldPath.of(equal.getKey()), Values.toFirestore(equal.getValue()));
    }
    for (Map.Entry<String, @Nullable Object> element : plan.contains().entrySet()) {
      query =
          query.whereArrayContains(
              FieldPath.of(element.getKey()),
              Objects.requireNonNull(Values.toFirestore(element.getValue()), "an element"));
    }
    for (Condition condition : plan.ranges()) {
      query = where(query, condition);
    }
    return query;
  }

  private CompletableFuture<Void> commit(List<Placed> placed) {
    return new FencedCommit(
            paths,
            link,
            fences,
            placed.stream().map(Placed::home).toList(),
            batch ->
                placed.forEach(
                    each ->
                        batch.set(
                            paths.document(each.home().bucket(), each.row().id()),
                            Values.toFirestore(each.row().fields()))))
        .run();
  }

  private CompletableFuture<List<Optional<Throwable>>> putTogether(List<Placed> placed) {
    return commits
        .timed(() -> commit(placed))
        .thenApply(written -> placed.stream().map(each -> Optional.<Throwable>empty()).toList())
        .exceptionallyCompose(
            failure ->
                isOfSome(placed, FirestoreLink.unwrap(failure))
                    ? oneByOne(placed)
                    : CompletableFuture.completedFuture(
                        placed.stream()
                            .map(each -> Optional.of(FirestoreLink.unwrap(failure)))
                            .toList()));
  }

  /** Whether the failure may be that of one document or bucket, and the others may be stored. */
  private static boolean isOfSome(List<Placed> placed, Throwable failure) {
    if (failure instanceof FencedException) {
      return placed.stream().map(Placed::home).distinct().count() > 1;
    }
    return placed.size() > 1 && FirestoreLink.status(failure) == Status.Code.INVALID_ARGUMENT;
  }

  /**
   * A commit that is refused for one of its documents stores none; alone, the good ones are stored.
   * First bucket by bucket, since a fence refuses all of a bucket.
   */
  private CompletableFuture<List<Optional<Throwable>>> oneByOne(List<Placed> placed) {
    List<List<Placed>> parts = new ArrayList<>();
    for (Placed each : placed) {
      List<Placed> last = parts.isEmpty() ? List.of() : parts.get(parts.size() - 1);
      if (last.isEmpty() || !last.get(0).home().equals(each.home())) {
        parts.add(new ArrayList<>());
      }
      parts.get(parts.size() - 1).add(each);
    }
    List<List<Placed>> smaller = parts.size() > 1 ? parts : placed.stream().map(List::of).toList();
    return Bounded.all(smaller, ALONE_AT_ONCE, this::putTogether)
        .thenApply(failures -> failures.stream().flatMap(List::stream).toList());
  }

  /** The fences of a batch count as its writes. */
  private static List<List<Placed>> batches(List<Placed> placed) {
    List<List<Placed>> batches = new ArrayList<>();
    List<Placed> batch = new ArrayList<>();
    Set<Bucket> fenced = new HashSet<>();
    long bytes = 0;
    for (Placed each : placed) {
      long size = Sizes.of(each.row()) + 200;
      boolean full = batch.size() + fenced.size() + 2 > MAX_BATCH || bytes + size > MAX_BATCH_BYTES;
      if (!batch.isEmpty() && full) {
        batches.add(batch);
        batch = new ArrayList<>();
        fenced = new HashSet<>();
        bytes = 0;
      }
      batch.add(each);
      fenced.add(each.home().bucket());
      bytes += size;
    }
    if (!batch.isEmpty()) {
      batches.add(batch);
    }
    return batches;
  }

  private static Query where(Query query, Condition condition) {
    FieldPath field = FieldPath.of(condition.field());
    Object value = Objects.requireNonNull(Values.toFirestore(condition.value()), "a bound");
    return switch (condition.operator()) {
      case LESS -> query.whereLessThan(field, value);
      case LESS_OR_EQUAL -> query.whereLessThanOrEqualTo(field, value);
      case GREATER -> query.whereGreaterThan(field, value);
      case GREATER_OR_EQUAL -> query.whereGreaterThanOrEqualTo(field, value);
      case EQUAL, IN, ARRAY_CONTAINS ->
          throw new IllegalArgumentException(condition + " is no range");
    };
  }

  private static Query.Direction direction(Direction direction) {
    return direction == Direction.ASCENDING
        ? Query.Direction.ASCENDING
        : Query.Direction.DESCENDING;
  }
}
