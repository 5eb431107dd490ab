package dev.escalera.sharding.firestore;

import com.google.cloud.firestore.Blob;
import com.google.cloud.firestore.CollectionReference;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.FieldPath;
import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.Query;
import com.google.cloud.firestore.QuerySnapshot;
import com.google.cloud.firestore.WriteBatch;
import dev.escalera.sharding.Condition;
import dev.escalera.sharding.Direction;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.Order;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.internal.After;
import dev.escalera.sharding.internal.Bounded;
import dev.escalera.sharding.internal.Bucket;
import dev.escalera.sharding.internal.BucketStore;
import dev.escalera.sharding.internal.Plan;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Buckets in Firestore; the parent document of a bucket's collection is its entry in the catalog.
 */
final class FirestoreBuckets implements BucketStore {
  private static final int MAX_IN_FLIGHT = 4_096;
  private static final int MAX_BATCH = 500;
  private static final long MAX_BATCH_BYTES = 3_500_000;

  /** Commits in flight for one bulk: each ends in time, and all of them fit into memory. */
  private static final int BATCHES_AT_ONCE = 32;

  /** Of the documents of one batch; those of all batches in flight stay below what may be. */
  private static final int ALONE_AT_ONCE = 100;

  private static final String SECRET = "escalera_router/cursor";

  private final Firestore firestore;
  private final FirestoreLink link;

  FirestoreBuckets(Firestore firestore, Duration deadline) {
    this.firestore = firestore;
    this.link = new FirestoreLink("FirestoreShardRouter", deadline, MAX_IN_FLIGHT);
  }

  @Override
  public CompletableFuture<Void> register(Collection<Bucket> buckets) {
    List<Bucket> all = List.copyOf(buckets);
    List<CompletableFuture<?>> commits = new ArrayList<>();
    for (int from = 0; from < all.size(); from += MAX_BATCH) {
      WriteBatch batch = firestore.batch();
      all.subList(from, Math.min(all.size(), from + MAX_BATCH))
          .forEach(
              bucket ->
                  batch.set(
                      entry(bucket),
                      Map.of("partition", bucket.partition(), "number", (long) bucket.number())));
      commits.add(link.call(batch::commit));
    }
    return CompletableFuture.allOf(commits.toArray(CompletableFuture<?>[]::new));
  }

  @Override
  public CompletableFuture<List<String>> buckets(String collection) {
    Query names = firestore.collection(root(collection)).select(new FieldPath[0]);
    return link.call(names::get)
        .thenApply(found -> found.getDocuments().stream().map(DocumentSnapshot::getId).toList());
  }

  @Override
  public CompletableFuture<Void> put(ShardedCollection collection, Placed placed) {
    DocumentReference document = document(placed.bucket(), placed.document().id());
    return link.call(() -> document.set(Values.toFirestore(placed.document().fields())))
        .thenApply(written -> null);
  }

  @Override
  public CompletableFuture<List<Optional<Throwable>>> putAll(
      ShardedCollection collection, List<Placed> placed) {
    return Bounded.all(batches(placed), BATCHES_AT_ONCE, batch -> commit(batch))
        .thenApply(failures -> failures.stream().flatMap(List::stream).toList());
  }

  @Override
  public CompletableFuture<Optional<Document>> get(Bucket bucket, String id) {
    return link.call(document(bucket, id)::get).thenApply(Values::toDocument);
  }

  @Override
  public CompletableFuture<Optional<Document>> update(
      ShardedCollection collection, Bucket bucket, String id, UnaryOperator<Document> change) {
    return new CompareAndSet(link, document(bucket, id), change).run();
  }

  @Override
  public CompletableFuture<Void> delete(ShardedCollection collection, Bucket bucket, String id) {
    DocumentReference document = document(bucket, id);
    return link.call(() -> document.delete()).thenApply(written -> null);
  }

  @Override
  public CompletableFuture<List<Document>> query(
      Bucket bucket, Plan plan, Optional<After> after, int limit) {
    Query query = documents(bucket);
    for (Map.Entry<String, @Nullable Object> equal : plan.equal().entrySet()) {
      query =
          query.whereEqualTo(FieldPath.of(equal.getKey()), Values.toFirestore(equal.getValue()));
    }
    for (Condition condition : plan.ranges()) {
      query = where(query, condition);
    }
    for (Order order : plan.orders()) {
      query = query.orderBy(FieldPath.of(order.field()), direction(order.direction()));
    }
    query = query.orderBy(FieldPath.documentId(), direction(plan.idDirection())).limit(limit);
    if (after.isPresent()) {
      List<@Nullable Object> place = new ArrayList<>();
      after.get().values().forEach(value -> place.add(Values.toFirestore(value)));
      place.add(after.get().id());
      query =
          after.get().inclusive()
              ? query.startAt(place.toArray())
              : query.startAfter(place.toArray());
    }
    Query complete = query;
    CompletableFuture<QuerySnapshot> found = link.call(complete::get);
    return found.thenApply(
        rows ->
            rows.getDocuments().stream().flatMap(row -> Values.toDocument(row).stream()).toList());
  }

  @Override
  public CompletableFuture<Long> count(Bucket bucket) {
    return link.call(() -> documents(bucket).count().get()).thenApply(found -> found.getCount());
  }

  @Override
  public CompletableFuture<byte[]> secret(byte[] proposed) {
    DocumentReference document = firestore.document(SECRET);
    return link.call(document::get)
        .thenCompose(
            found ->
                found.exists()
                    ? CompletableFuture.completedFuture(found)
                    : link.call(() -> document.create(Map.of("secret", Blob.fromBytes(proposed))))
                        .thenCompose(written -> link.call(document::get))
                        .exceptionallyCompose(failure -> other(document, failure)))
        .thenApply(
            found ->
                Objects.requireNonNull(found.getBlob("secret"), "the secret of the cursors")
                    .toBytes());
  }

  @Override
  public void close() {
    link.close();
  }

  /** Returns the secret of another router, which may have been first; else the failure stands. */
  private CompletableFuture<DocumentSnapshot> other(DocumentReference secret, Throwable failure) {
    return link.call(secret::get)
        .thenCompose(
            found ->
                found.exists()
                    ? CompletableFuture.completedFuture(found)
                    : CompletableFuture.failedFuture(failure));
  }

  private CompletableFuture<List<Optional<Throwable>>> commit(List<Placed> placed) {
    WriteBatch batch = firestore.batch();
    placed.forEach(
        each ->
            batch.set(
                document(each.bucket(), each.document().id()),
                Values.toFirestore(each.document().fields())));
    return link.call(batch::commit)
        .thenApply(written -> placed.stream().map(each -> Optional.<Throwable>empty()).toList())
        .exceptionallyCompose(
            failure ->
                placed.size() > 1 && FirestoreLink.status(failure) == Status.Code.INVALID_ARGUMENT
                    ? oneByOne(placed)
                    : CompletableFuture.completedFuture(
                        placed.stream()
                            .map(each -> Optional.of(FirestoreLink.unwrap(failure)))
                            .toList()));
  }

  /**
   * A commit that is refused for one of its documents stores none; alone, the good ones are stored.
   */
  private CompletableFuture<List<Optional<Throwable>>> oneByOne(List<Placed> placed) {
    return Bounded.all(placed, ALONE_AT_ONCE, one -> commit(List.of(one)))
        .thenApply(failures -> failures.stream().flatMap(List::stream).toList());
  }

  private static List<List<Placed>> batches(List<Placed> placed) {
    List<List<Placed>> batches = new ArrayList<>();
    List<Placed> batch = new ArrayList<>();
    long bytes = 0;
    for (Placed each : placed) {
      long size = Values.size(each.document().fields()) + 200;
      if (!batch.isEmpty() && (batch.size() == MAX_BATCH || bytes + size > MAX_BATCH_BYTES)) {
        batches.add(batch);
        batch = new ArrayList<>();
        bytes = 0;
      }
      batch.add(each);
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
      case EQUAL -> query.whereEqualTo(field, value);
      case LESS -> query.whereLessThan(field, value);
      case LESS_OR_EQUAL -> query.whereLessThanOrEqualTo(field, value);
      case GREATER -> query.whereGreaterThan(field, value);
      case GREATER_OR_EQUAL -> query.whereGreaterThanOrEqualTo(field, value);
    };
  }

  private static Query.Direction direction(Direction direction) {
    return direction == Direction.ASCENDING
        ? Query.Direction.ASCENDING
        : Query.Direction.DESCENDING;
  }

  private static String root(String collection) {
    return "escalera_" + collection;
  }

  private DocumentReference entry(Bucket bucket) {
    return firestore.collection(root(bucket.collection())).document(bucket.name());
  }

  private CollectionReference documents(Bucket bucket) {
    return entry(bucket).collection(bucket.collection());
  }

  private DocumentReference document(Bucket bucket, String id) {
    return documents(bucket).document(id);
  }
}
