package dev.escalera.sharding.firestore;

import com.google.cloud.Timestamp;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.FieldPath;
import com.google.cloud.firestore.FieldValue;
import com.google.cloud.firestore.Precondition;
import com.google.cloud.firestore.WriteBatch;
import dev.escalera.sharding.ShardingException;
import dev.escalera.sharding.internal.BucketStore.Home;
import dev.escalera.sharding.internal.Row;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A change of one document by its update time: read, change, write if neither the document nor the
 * fence has changed, else again.
 *
 * <p>Firestore's client sends a commit again when its answer was lost, and is then told that the
 * document has changed, by itself. So each change leaves a mark in the document, and who is refused
 * looks for its own before it applies the change again.
 */
final class CompareAndSet {
  private static final int MAX_ROUNDS = 200;
  private static final Set<Status.Code> LOST_RACE =
      Set.of(Status.Code.ABORTED, Status.Code.FAILED_PRECONDITION, Status.Code.NOT_FOUND);

  private final Paths paths;
  private final FirestoreLink link;
  private final Fences fences;
  private final Home home;
  private final DocumentReference document;
  private final UnaryOperator<Row> change;

  /** What was sent and refused: by then, marks of whom were in the document, and mine. */
  private record Refused(Marks before, String mine, Row after) {}

  CompareAndSet(
      Paths paths,
      FirestoreLink link,
      Fences fences,
      Home home,
      String id,
      UnaryOperator<Row> change) {
    this.paths = paths;
    this.link = link;
    this.fences = fences;
    this.home = home;
    this.document = paths.document(home.bucket(), id);
    this.change = change;
  }

  CompletableFuture<Optional<Row>> run() {
    return round(1, Optional.empty());
  }

  private CompletableFuture<Optional<Row>> round(int round, Optional<Refused> refused) {
    return link.call(document::get)
        .thenCompose(
            found -> {
              Marks marks = Marks.of(found);
              if (refused.isPresent()) {
                Refused last = refused.get();
                if (marks.has(last.mine())) {
                  return CompletableFuture.completedFuture(Optional.of(last.after()));
                }
                if (!marks.tellsAll(last.before())) {
                  return CompletableFuture.failedFuture(
                      new ShardingException(
                          "so many others changed "
                              + document.getPath()
                              + " that it cannot be told whether this change was applied",
                          null));
                }
              }
              return change(found, marks, round);
            });
  }

  private CompletableFuture<Optional<Row>> change(DocumentSnapshot found, Marks marks, int round) {
    Optional<Row> before = Values.toRow(found);
    Timestamp version = found.getUpdateTime();
    if (before.isEmpty() || version == null) {
      return CompletableFuture.completedFuture(Optional.empty());
    }
    Row after = change.apply(before.get());
    String mine = Marks.fresh();
    return fences
        .admitting(home.bucket(), home.epoch())
        .thenCompose(
            standing -> {
              WriteBatch batch = paths.firestore().batch();
              standing.guard(batch);
              List<@Nullable Object> fields = assignments(before.get(), after);
              batch.update(
                  document,
                  Precondition.updatedAt(version),
                  Marks.FIELD,
                  marks.with(mine).toFirestore(),
                  fields.toArray());
              return link.call(batch::commit);
            })
        .thenApply(written -> Optional.of(after))
        .exceptionallyCompose(
            failure ->
                LOST_RACE.contains(FirestoreLink.status(failure))
                    ? again(round, failure, new Refused(marks, mine, after))
                    : CompletableFuture.failedFuture(failure));
  }

  private CompletableFuture<Optional<Row>> again(int round, Throwable failure, Refused refused) {
    if (round == MAX_ROUNDS) {
      return CompletableFuture.failedFuture(
          new ShardingException("lost " + round + " races to update " + document.getPath(), null));
    }
    // Whether it was the fence or the document is not told.
    boolean aborted = FirestoreLink.status(failure) == Status.Code.ABORTED;
    CompletableFuture<?> fence =
        aborted
            ? CompletableFuture.completedFuture(null)
            : fences.fresh(home.bucket(), home.epoch());
    return fence
        .handle((standing, refusal) -> refusal)
        .thenCompose(
            refusal ->
                refusal == null
                    ? FencedCommit.pause(round)
                        .thenCompose(paused -> round(round + 1, Optional.of(refused)))
                    : applied(refused, refusal));
  }

  /** The fence does not admit the change any more: it may have been applied before. */
  private CompletableFuture<Optional<Row>> applied(Refused refused, Throwable refusal) {
    return link.call(document::get)
        .thenCompose(
            found ->
                Marks.of(found).has(refused.mine())
                    ? CompletableFuture.completedFuture(Optional.of(refused.after()))
                    : CompletableFuture.failedFuture(refusal));
  }

  /** Field and value by turns: an update with a precondition takes fields, not a whole document. */
  private static List<@Nullable Object> assignments(Row before, Row after) {
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
