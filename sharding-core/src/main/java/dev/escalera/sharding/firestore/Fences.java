package dev.escalera.sharding.firestore;

import com.google.cloud.Timestamp;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.Precondition;
import com.google.cloud.firestore.QuerySnapshot;
import com.google.cloud.firestore.WriteBatch;
import com.google.cloud.firestore.WriteResult;
import dev.escalera.sharding.internal.Bounded;
import dev.escalera.sharding.internal.Bucket;
import dev.escalera.sharding.internal.BucketStore.Home;
import dev.escalera.sharding.internal.Fence;
import dev.escalera.sharding.internal.FencedException;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;

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

  /** Whose fences fit into one commit or one call. */
  private static final int BUCKETS_AT_ONCE = 100;

  private static final int COMMITS_AT_ONCE = 4;
  private static final int READS_AT_ONCE = 50;
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
    return create(List.of(bucket), proposed)
        .thenApply(created -> proposed)
        .exceptionallyCompose(
            failure -> {
              known.remove(bucket);
              return FirestoreLink.status(failure) == Status.Code.ALREADY_EXISTS
                  ? read(bucket).thenApply(Fences::orNone)
                  : CompletableFuture.failedFuture(failure);
            });
  }

  /** Puts the fences of many buckets, some in a commit; one by one where some stand already. */
  CompletableFuture<Void> raiseAll(List<Bucket> buckets, Fence proposed) {
    return Bounded.all(parts(buckets), COMMITS_AT_ONCE, part -> raiseTogether(part, proposed))
        .thenApply(all -> null);
  }

  private CompletableFuture<Void> raiseTogether(List<Bucket> buckets, Fence proposed) {
    return create(buckets, proposed)
        .exceptionallyCompose(
            failure ->
                FirestoreLink.status(failure) == Status.Code.ALREADY_EXISTS
                    ? Bounded.all(buckets, COMMITS_AT_ONCE, bucket -> raise(bucket, proposed))
                        .thenApply(all -> null)
                    : CompletableFuture.failedFuture(failure));
  }

  private CompletableFuture<Void> create(List<Bucket> buckets, Fence fence) {
    WriteBatch batch = paths.firestore().batch();
    for (Bucket bucket : buckets) {
      documents(bucket).forEach(each -> batch.create(each, Map.of(TEXT, fence.text())));
    }
    return link.call(batch::commit)
        .thenAccept(
            written -> {
              for (int i = 0; i < buckets.size(); i++) {
                List<Timestamp> updated =
                    written.subList(i * FENCES, (i + 1) * FENCES).stream()
                        .map(WriteResult::getUpdateTime)
                        .toList();
                Bucket bucket = buckets.get(i);
                known.put(
                    bucket,
                    CompletableFuture.completedFuture(
                        new Standing(fence, documents(bucket), updated)));
              }
            });
  }

  private List<DocumentReference> documents(Bucket bucket) {
    return IntStream.range(0, FENCES)
        .mapToObj(i -> paths.fences(bucket).document(Integer.toString(i)))
        .toList();
  }

  private static List<List<Bucket>> parts(List<Bucket> buckets) {
    List<List<Bucket>> parts = new ArrayList<>();
    for (int from = 0; from < buckets.size(); from += BUCKETS_AT_ONCE) {
      parts.add(buckets.subList(from, Math.min(buckets.size(), from + BUCKETS_AT_ONCE)));
    }
    return parts;
  }

  /** Reads those fences of some buckets that are not known, many in a call. */
  CompletableFuture<Void> learn(List<Bucket> buckets) {
    List<Bucket> unknown = buckets.stream().distinct().filter(bucket -> !isKnown(bucket)).toList();
    return Bounded.all(parts(unknown), COMMITS_AT_ONCE, this::readTogether).thenApply(all -> null);
  }

  private boolean isKnown(Bucket bucket) {
    CompletableFuture<Standing> seen = known.get(bucket);
    return seen != null && !seen.isCompletedExceptionally();
  }

  private CompletableFuture<Void> readTogether(List<Bucket> buckets) {
    DocumentReference[] all =
        buckets.stream()
            .flatMap(bucket -> documents(bucket).stream())
            .toArray(DocumentReference[]::new);
    return link.call(() -> paths.firestore().getAll(all))
        .thenAccept(
            found -> {
              for (int i = 0; i < buckets.size(); i++) {
                List<DocumentSnapshot> fence = found.subList(i * FENCES, (i + 1) * FENCES);
                if (fence.stream().allMatch(DocumentSnapshot::exists)) {
                  known.put(buckets.get(i), CompletableFuture.completedFuture(standing(fence)));
                }
              }
            });
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

  /** Returns the fences of some buckets, as they were seen last; fails if one does not admit. */
  CompletableFuture<List<Standing>> admitting(List<Home> homes) {
    return Bounded.all(homes, READS_AT_ONCE, home -> admitting(home.bucket(), home.epoch()));
  }

  /** Returns the fences of some buckets as they are now; fails if one does not admit. */
  CompletableFuture<List<Standing>> fresh(List<Home> homes) {
    return Bounded.all(homes, READS_AT_ONCE, home -> fresh(home.bucket(), home.epoch()));
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
        documents ->
            documents.isEmpty()
                ? Optional.empty()
                : Optional.of(standing(documents.getDocuments())));
  }

  private static Standing standing(List<? extends DocumentSnapshot> documents) {
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
