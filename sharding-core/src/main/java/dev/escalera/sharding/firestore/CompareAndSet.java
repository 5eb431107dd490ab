package dev.escalera.sharding.firestore;

import com.google.cloud.Timestamp;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.FieldPath;
import com.google.cloud.firestore.FieldValue;
import com.google.cloud.firestore.Precondition;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.ShardingException;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A change of one document by its update time: read, change, write if no one wrote in between, else
 * again.
 */
final class CompareAndSet {
  private static final int MAX_ROUNDS = 200;
  private static final long MAX_PAUSE_MILLIS = 64;
  private static final Set<Status.Code> LOST_RACE =
      Set.of(Status.Code.ABORTED, Status.Code.FAILED_PRECONDITION, Status.Code.NOT_FOUND);

  private final FirestoreLink link;
  private final DocumentReference document;
  private final UnaryOperator<Document> change;

  CompareAndSet(FirestoreLink link, DocumentReference document, UnaryOperator<Document> change) {
    this.link = link;
    this.document = document;
    this.change = change;
  }

  CompletableFuture<Optional<Document>> run() {
    return round(1);
  }

  private CompletableFuture<Optional<Document>> round(int round) {
    return link.call(document::get).thenCompose(found -> change(found, round));
  }

  private CompletableFuture<Optional<Document>> change(DocumentSnapshot found, int round) {
    Optional<Document> before = Values.toDocument(found);
    Timestamp version = found.getUpdateTime();
    if (before.isEmpty() || version == null) {
      return CompletableFuture.completedFuture(Optional.empty());
    }
    Document after = change.apply(before.get());
    List<@Nullable Object> assignments = assignments(before.get(), after);
    if (assignments.isEmpty()) {
      return CompletableFuture.completedFuture(Optional.of(after));
    }
    FieldPath field = (FieldPath) assignments.get(0);
    Object[] more = assignments.subList(2, assignments.size()).toArray();
    return link.call(
            () -> document.update(Precondition.updatedAt(version), field, assignments.get(1), more))
        .thenApply(written -> Optional.of(after))
        .exceptionallyCompose(
            failure ->
                LOST_RACE.contains(FirestoreLink.status(failure))
                    ? again(round)
                    : CompletableFuture.failedFuture(failure));
  }

  private CompletableFuture<Optional<Document>> again(int round) {
    if (round == MAX_ROUNDS) {
      return CompletableFuture.failedFuture(
          new ShardingException("lost " + round + " races to update " + document.getPath(), null));
    }
    long pause =
        ThreadLocalRandom.current()
            .nextLong(Math.min(MAX_PAUSE_MILLIS, 1L << Math.min(round, 6)) + 1);
    return CompletableFuture.supplyAsync(
            () -> round + 1, CompletableFuture.delayedExecutor(pause, TimeUnit.MILLISECONDS))
        .thenCompose(this::round);
  }

  /** Field and value by turns: an update with a precondition takes fields, not a whole document. */
  private static List<@Nullable Object> assignments(Document before, Document after) {
    List<@Nullable Object> assignments = new ArrayList<>();
    after
        .fields()
        .forEach(
            (name, value) -> {
              assignments.add(FieldPath.of(name));
              assignments.add(Values.toFirestore(value));
            });
    for (String name : before.fields().keySet()) {
      if (!after.fields().containsKey(name)) {
        assignments.add(FieldPath.of(name));
        assignments.add(FieldValue.delete());
      }
    }
    return assignments;
  }
}
