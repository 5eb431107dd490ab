package dev.escalera.sharding.firestore;

import com.google.cloud.Timestamp;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.Precondition;
import com.google.cloud.firestore.WriteBatch;
import dev.escalera.sharding.ShardingException;
import dev.escalera.sharding.internal.BucketStore;
import dev.escalera.sharding.internal.BucketStore.Home;
import dev.escalera.sharding.internal.Row;
import io.grpc.Status;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * A change that takes a document to another bucket: one commit removes it here if it has not
 * changed, creates it there if there is none, and carries both fences. It leaves a mark there, by
 * which a commit that was sent again, since its answer was lost, is told from one that came too
 * late.
 */
final class FirestoreMove {
  private static final int MAX_ROUNDS = 200;
  private static final Set<Status.Code> REFUSED =
      Set.of(
          Status.Code.ABORTED,
          Status.Code.FAILED_PRECONDITION,
          Status.Code.NOT_FOUND,
          Status.Code.ALREADY_EXISTS);

  private final Paths paths;
  private final FirestoreLink link;
  private final Fences fences;
  private final List<Home> homes;
  private final DocumentReference source;
  private final Home to;
  private final UnaryOperator<Row> change;

  /** What is sent: from which version to what, and the mark that it leaves. */
  private record Sent(Timestamp version, Row after, Marks marks, String mine) {}

  FirestoreMove(
      Paths paths,
      FirestoreLink link,
      Fences fences,
      Home from,
      String id,
      Home to,
      UnaryOperator<Row> change) {
    this.paths = paths;
    this.link = link;
    this.fences = fences;
    this.homes = Stream.of(from, to).distinct().toList();
    this.source = paths.document(from.bucket(), id);
    this.to = to;
    this.change = change;
  }

  /** Completes with the row as it was written; empty if there is none to move. */
  CompletableFuture<Optional<Row>> run() {
    return round(1);
  }

  private CompletableFuture<Optional<Row>> round(int round) {
    return link.call(source::get)
        .thenCompose(
            found -> {
              Optional<Row> before = Values.toRow(found);
              Timestamp version = found.getUpdateTime();
              if (before.isEmpty() || version == null) {
                return CompletableFuture.completedFuture(Optional.empty());
              }
              Row after = change.apply(before.get());
              return send(new Sent(version, after, Marks.of(found), Marks.fresh()), round);
            });
  }

  private CompletableFuture<Optional<Row>> send(Sent sent, int round) {
    DocumentReference destination = paths.document(to.bucket(), sent.after().id());
    return fences
        .admitting(homes)
        .thenCompose(
            standing -> {
              WriteBatch batch = paths.firestore().batch();
              standing.forEach(each -> each.guard(batch));
              batch.delete(source, Precondition.updatedAt(sent.version()));
              Map<String, Object> fields =
                  new LinkedHashMap<>(Values.toFirestore(sent.after().fields()));
              fields.put(Marks.NAME, sent.marks().with(sent.mine()).toFirestore());
              batch.create(destination, fields);
              return link.call(batch::commit);
            })
        .thenApply(written -> Optional.of(sent.after()))
        .exceptionallyCompose(
            failure ->
                REFUSED.contains(FirestoreLink.status(failure))
                    ? refused(sent, destination, failure, round)
                    : CompletableFuture.failedFuture(failure));
  }

  private CompletableFuture<Optional<Row>> refused(
      Sent sent, DocumentReference destination, Throwable failure, int round) {
    return link.call(destination::get)
        .thenCompose(
            there ->
                Marks.of(there).has(sent.mine())
                    ? CompletableFuture.completedFuture(Optional.of(sent.after()))
                    : again(sent, there, failure, round));
  }

  private CompletableFuture<Optional<Row>> again(
      Sent sent, DocumentSnapshot there, Throwable failure, int round) {
    if (round == MAX_ROUNDS) {
      return CompletableFuture.failedFuture(
          new ShardingException("lost " + round + " races to move " + source.getPath(), failure));
    }
    // Which of them refused is not told; one that is old has nothing to say of what is there.
    return fences
        .fresh(homes)
        .thenCompose(
            standing ->
                there.exists() ? isUnchanged(sent) : CompletableFuture.completedFuture(false))
        .thenCompose(
            isOccupied ->
                isOccupied
                    ? CompletableFuture.failedFuture(
                        BucketStore.occupied(to.bucket(), sent.after().id()))
                    : FencedCommit.pause(round).thenCompose(paused -> round(round + 1)));
  }

  /** Whether the document is still here: what is there is another, not this one moved by others. */
  private CompletableFuture<Boolean> isUnchanged(Sent sent) {
    return link.call(source::get).thenApply(found -> sent.version().equals(found.getUpdateTime()));
  }
}
