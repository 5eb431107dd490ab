package dev.escalera.sharding.firestore;

import com.google.cloud.Timestamp;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.Precondition;
import com.google.cloud.firestore.QuerySnapshot;
import com.google.cloud.firestore.WriteBatch;
import dev.escalera.sharding.internal.Bucket;
import dev.escalera.sharding.internal.Fence;
import dev.escalera.sharding.internal.FencedException;
import io.grpc.Status;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The fences of buckets: some documents each, all alike, which are flipped in one commit.
 *
 * <p>A write carries an update of one of them, which changes nothing but is allowed only if that
 * document was last changed when this process saw it. So the commit fails as a whole if the fence
 * was flipped, and no read is needed. It is one of several at random, since a commit locks what it
 * updates.
 */
final class Fences {
  private static final int FENCES = 4;
  private static final String TEXT = "fence";

  private final Paths paths;
  private final FirestoreLink link;
  private final Map<Bucket, CompletableFuture<Standing>> known = new ConcurrentHashMap<>();

  /** A fence as it was seen, with the documents that it consists of. */
  static final class Standing {
    private final Fence fence;
    private final List<DocumentReference> documents;
    private final List<Timestamp> updated;

    Standing(Fence fence, List<DocumentReference> documents, List<Timestamp> updated) {
      this.fence = fence;
      this.documents = documents;
      this.updated = updated;
    }

    /** Adds what makes a commit fail if the fence is another by then. */
    void guard(WriteBatch batch) {
      int one = ThreadLocalRandom.current().nextInt(documents.size());
      batch.update(
          documents.get(one), Precondition.updatedAt(updated.get(one)), TEXT, fence.text());
    }
  }

  Fences(Paths paths, FirestoreLink link) {
    this.paths = paths;
    this.link = link;
  }

  CompletableFuture<Fence> raise(Bucket bucket, Fence proposed) {
    WriteBatch batch = paths.firestore().batch();
    for (int i = 0; i < FENCES; i++) {
      batch.create(
          paths.fences(bucket).document(Integer.toString(i)), Map.of(TEXT, proposed.text()));
    }
    return link.call(batch::commit)
        .thenApply(created -> proposed)
        .exceptionallyCompose(
            failure ->
                FirestoreLink.status(failure) == Status.Code.ALREADY_EXISTS
                    ? read(bucket).thenApply(Fences::orNone)
                    : CompletableFuture.failedFuture(failure))
        .whenComplete((fence, failure) -> known.remove(bucket));
  }

  CompletableFuture<Optional<Fence>> fence(Bucket bucket) {
    return read(bucket).thenApply(standing -> standing.map(found -> found.fence));
  }

  /** Flips all documents of a fence in one commit. */
  CompletableFuture<Boolean> flip(Bucket bucket, Fence expected, Fence next) {
    return read(bucket)
        .thenCompose(
            standing ->
                standing.filter(found -> found.fence.equals(expected)).isPresent()
                    ? flip(bucket, standing.get(), next)
                    : CompletableFuture.completedFuture(
                        standing.filter(found -> found.fence.equals(next)).isPresent()));
  }

  /** Returns the fence of a bucket, as it was seen last; fails if it does not admit the epoch. */
  CompletableFuture<Standing> admitting(Bucket bucket, long epoch) {
    CompletableFuture<Standing> seen = known.get(bucket);
    if (seen != null && !seen.isCompletedExceptionally()) {
      return seen.thenCompose(
          standing ->
              standing.fence.admits(epoch)
                  ? CompletableFuture.completedFuture(standing)
                  : fresh(bucket, epoch));
    }
    return fresh(bucket, epoch);
  }

  /** Returns the fence of a bucket as it is now; fails if it does not admit the epoch. */
  CompletableFuture<Standing> fresh(Bucket bucket, long epoch) {
    CompletableFuture<Standing> reading =
        read(bucket)
            .thenApply(
                standing ->
                    standing.orElseThrow(() -> new FencedException(bucket, Optional.empty())));
    known.put(bucket, reading);
    return reading.thenApply(
        standing -> {
          if (!standing.fence.admits(epoch)) {
            throw new FencedException(bucket, Optional.of(standing.fence));
          }
          return standing;
        });
  }

  private CompletableFuture<Boolean> flip(Bucket bucket, Standing standing, Fence next) {
    WriteBatch batch = paths.firestore().batch();
    for (int i = 0; i < standing.documents.size(); i++) {
      batch.update(
          standing.documents.get(i),
          Precondition.updatedAt(standing.updated.get(i)),
          TEXT,
          next.text());
    }
    return link.call(batch::commit)
        .thenApply(written -> true)
        .exceptionallyCompose(
            failure -> {
              Status.Code status = FirestoreLink.status(failure);
              // A commit that was applied, and sent again since its answer was lost, fails too.
              return status == Status.Code.ABORTED || status == Status.Code.FAILED_PRECONDITION
                  ? flip(bucket, standing.fence, next)
                  : CompletableFuture.failedFuture(failure);
            })
        .whenComplete((flipped, failure) -> known.remove(bucket));
  }

  private CompletableFuture<Optional<Standing>> read(Bucket bucket) {
    CompletableFuture<QuerySnapshot> found = link.call(() -> paths.fences(bucket).get());
    return found.thenApply(
        documents -> documents.isEmpty() ? Optional.empty() : Optional.of(standing(documents)));
  }

  private static Standing standing(QuerySnapshot found) {
    List<? extends DocumentSnapshot> documents = found.getDocuments();
    Fence fence = Fence.parse(Objects.requireNonNull(documents.get(0).getString(TEXT), TEXT));
    return new Standing(
        fence,
        documents.stream().map(DocumentSnapshot::getReference).toList(),
        documents.stream()
            .map(document -> Objects.requireNonNull(document.getUpdateTime(), "update time"))
            .toList());
  }

  private static Fence orNone(Optional<Standing> standing) {
    return standing
        .map(found -> found.fence)
        .orElseThrow(() -> new IllegalStateException("a fence that exists is not to be found"));
  }
}
