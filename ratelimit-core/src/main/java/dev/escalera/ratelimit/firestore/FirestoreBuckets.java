package dev.escalera.ratelimit.firestore;

import com.google.cloud.Timestamp;
import com.google.cloud.firestore.CollectionReference;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.Precondition;
import com.google.cloud.firestore.WriteBatch;
import dev.escalera.ratelimit.internal.CasStore;
import dev.escalera.ratelimit.internal.Escrow;
import dev.escalera.ratelimit.internal.Keys;
import dev.escalera.ratelimit.internal.NotSentException;
import dev.escalera.ratelimit.internal.Target;
import io.grpc.Status;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The buckets in Firestore: one document a bucket, changed by compare-and-set. */
final class FirestoreBuckets implements CasStore {
  static final String COLLECTION = "escalera_ratelimit";

  private static final int MAX_IN_FLIGHT = 1_000;
  private static final int MAX_ID_LENGTH = 1_400;

  /** Another writer was first. */
  private static final Set<Status.Code> LOST_RACE =
      Set.of(
          Status.Code.ABORTED,
          Status.Code.FAILED_PRECONDITION,
          Status.Code.ALREADY_EXISTS,
          Status.Code.NOT_FOUND);

  private final FirestoreLink link;
  private final Firestore firestore;
  private final CollectionReference collection;

  FirestoreBuckets(Firestore firestore, String name, Duration deadline) {
    this.link = new FirestoreLink(name, deadline, MAX_IN_FLIGHT);
    this.firestore = firestore;
    this.collection = firestore.collection(COLLECTION);
  }

  @Override
  public CompletionStage<Snapshot> read(List<Target.Key> keys, long timeoutNanos) {
    DocumentReference[] documents =
        keys.stream().map(this::document).toArray(DocumentReference[]::new);
    CompletableFuture<List<DocumentSnapshot>> read = link.call(() -> firestore.getAll(documents));
    return mapped(read, timeoutNanos).thenApply(FirestoreBuckets::snapshot);
  }

  @Override
  public CompletionStage<Boolean> write(
      List<Target.Key> keys, Snapshot snapshot, List<Escrow> changed, long timeoutNanos) {
    WriteBatch batch = firestore.batch();
    for (int i = 0; i < keys.size(); i++) {
      Map<String, Object> fields = Buckets.fields(changed.get(i));
      Object version = snapshot.versions().get(i);
      if (version == null) {
        batch.create(document(keys.get(i)), fields);
      } else {
        batch.update(document(keys.get(i)), fields, Precondition.updatedAt((Timestamp) version));
      }
    }
    return mapped(link.call(batch::commit), timeoutNanos)
        .thenApply(results -> true)
        .exceptionallyCompose(
            failure ->
                isLostRace(failure)
                    ? CompletableFuture.completedFuture(false)
                    : CompletableFuture.failedFuture(failure));
  }

  @Override
  public CompletionStage<?> delete(Target.Key key, long timeoutNanos) {
    return mapped(link.call(() -> document(key).delete()), timeoutNanos);
  }

  @Override
  public boolean isAvailable() {
    return link.isAvailable();
  }

  @Override
  public void close() {
    link.close();
  }

  /** Returns a name that Firestore takes, of escaped text. */
  static String id(String id) {
    if (id.length() <= MAX_ID_LENGTH) {
      // Names between double underscores are Firestore's own.
      return id.startsWith("_") ? "%5F" + id.substring(1) : id;
    }
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(id.getBytes(StandardCharsets.UTF_8));
      return "%h" + HexFormat.of().formatHex(hash);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  static boolean isLostRace(Throwable failure) {
    return LOST_RACE.contains(FirestoreLink.status(failure));
  }

  private DocumentReference document(Target.Key key) {
    String id = Keys.escape(key.limit()) + ":" + Keys.escape(key.subject());
    return collection.document(id(key.shard() == 0 ? id : id + "#" + key.shard()));
  }

  private static Snapshot snapshot(List<DocumentSnapshot> documents) {
    List<@Nullable Escrow> escrows = new ArrayList<>();
    List<@Nullable Object> versions = new ArrayList<>();
    long now = Long.MAX_VALUE;
    for (DocumentSnapshot document : documents) {
      escrows.add(document.exists() ? Buckets.read(document) : null);
      versions.add(document.getUpdateTime());
      now = Math.min(now, micros(document.getReadTime()));
    }
    return new Snapshot(escrows, versions, now);
  }

  /** What did not reach Firestore is told in words of our own. */
  private static <T> CompletableFuture<T> mapped(CompletableFuture<T> call, long timeoutNanos) {
    return call.orTimeout(timeoutNanos, TimeUnit.NANOSECONDS)
        .exceptionallyCompose(
            failure ->
                CompletableFuture.failedFuture(
                    FirestoreLink.unwrap(failure) instanceof FirestoreLink.NotSentException e
                        ? new NotSentException(String.valueOf(e.getMessage()), e)
                        : failure));
  }

  private static long micros(@Nullable Timestamp time) {
    if (time == null) {
      throw new IllegalStateException("Firestore did not say when it read");
    }
    return time.getSeconds() * 1_000_000 + time.getNanos() / 1_000;
  }
}
