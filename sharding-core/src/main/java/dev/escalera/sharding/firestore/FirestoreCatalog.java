package dev.escalera.sharding.firestore;

import com.google.cloud.firestore.Blob;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.FieldValue;
import com.google.cloud.firestore.Precondition;
import com.google.cloud.firestore.QuerySnapshot;
import com.google.cloud.firestore.SetOptions;
import com.google.cloud.firestore.WriteBatch;
import dev.escalera.sharding.internal.Bucket;
import dev.escalera.sharding.internal.CatalogStore;
import dev.escalera.sharding.internal.Entry;
import io.grpc.Status;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

/**
 * The catalog in Firestore: a document a collection with the version, and one a bucket below it.
 */
final class FirestoreCatalog implements CatalogStore {
  /** Of a commit or a call for many documents. */
  private static final int AT_ONCE = 400;

  private static final int MAX_ATTEMPTS = 20;
  private static final String VERSION = "version";

  private final Paths paths;
  private final FirestoreLink link;

  FirestoreCatalog(Paths paths, FirestoreLink link) {
    this.paths = paths;
    this.link = link;
  }

  @Override
  public CompletableFuture<List<Registered>> register(List<Entry> proposed) {
    List<CompletableFuture<List<Registered>>> parts = new ArrayList<>();
    for (List<Entry> part : parts(proposed)) {
      parts.add(register(part, 1));
    }
    return CompletableFuture.allOf(parts.toArray(CompletableFuture<?>[]::new))
        .thenApply(done -> parts.stream().flatMap(part -> part.join().stream()).toList());
  }

  @Override
  public CompletableFuture<List<Optional<Entry>>> read(List<Bucket> buckets) {
    List<CompletableFuture<List<DocumentSnapshot>>> all = new ArrayList<>();
    for (List<Bucket> part : parts(buckets)) {
      DocumentReference[] entries =
          part.stream().map(paths::entry).toArray(DocumentReference[]::new);
      all.add(link.call(() -> paths.firestore().getAll(entries)));
    }
    return CompletableFuture.allOf(all.toArray(CompletableFuture<?>[]::new))
        .thenApply(
            done -> {
              List<DocumentSnapshot> found =
                  all.stream().flatMap(part -> part.join().stream()).toList();
              List<Optional<Entry>> entries = new ArrayList<>(buckets.size());
              for (int i = 0; i < buckets.size(); i++) {
                entries.add(entry(buckets.get(i), found.get(i)));
              }
              return entries;
            });
  }

  @Override
  public CompletableFuture<Listing> list(String collection, String knownVersion) {
    CompletableFuture<DocumentSnapshot> read = link.call(() -> paths.catalog(collection).get());
    return read.thenCompose(
        found -> {
          // Read before the entries: these may be newer, never older.
          String version = String.valueOf(found.exists() ? found.getLong(VERSION) : null);
          if (version.equals(knownVersion)) {
            return CompletableFuture.completedFuture(new Listing(version, Optional.empty()));
          }
          CompletableFuture<QuerySnapshot> all = link.call(() -> paths.entries(collection).get());
          return all.thenApply(
              entries -> new Listing(version, Optional.of(entries(collection, entries))));
        });
  }

  @Override
  public CompletableFuture<Boolean> change(Entry expected, Entry next) {
    return change(expected, next, 1);
  }

  @Override
  public CompletableFuture<Instant> now() {
    // A read of what need not exist gives the time of the servers.
    return link.call(paths.catalog("none")::get)
        .thenApply(
            found ->
                Instant.ofEpochSecond(
                    found.getReadTime().getSeconds(), found.getReadTime().getNanos()));
  }

  @Override
  public CompletableFuture<byte[]> secret(byte[] proposed) {
    DocumentReference document = paths.secret();
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

  /** Returns the secret of another router, which may have been first; else the failure stands. */
  private CompletableFuture<DocumentSnapshot> other(DocumentReference secret, Throwable failure) {
    return link.call(secret::get)
        .thenCompose(
            found ->
                found.exists()
                    ? CompletableFuture.completedFuture(found)
                    : CompletableFuture.failedFuture(failure));
  }

  private CompletableFuture<List<Registered>> register(List<Entry> proposed, int attempt) {
    return read(proposed.stream().map(Entry::bucket).toList())
        .thenCompose(
            found -> {
              List<Entry> missing = new ArrayList<>();
              List<Registered> standing = new ArrayList<>();
              for (int i = 0; i < proposed.size(); i++) {
                standing.add(
                    new Registered(found.get(i).orElse(proposed.get(i)), found.get(i).isEmpty()));
                if (found.get(i).isEmpty()) {
                  missing.add(proposed.get(i));
                }
              }
              return missing.isEmpty()
                  ? CompletableFuture.completedFuture(standing)
                  : create(missing, proposed, standing, attempt);
            });
  }

  private CompletableFuture<List<Registered>> create(
      List<Entry> missing, List<Entry> proposed, List<Registered> standing, int attempt) {
    WriteBatch batch = paths.firestore().batch();
    missing.forEach(entry -> batch.create(paths.entry(entry.bucket()), fields(entry)));
    missing.stream()
        .map(entry -> entry.bucket().collection())
        .distinct()
        .forEach(collection -> addVersion(batch, collection));
    return link.call(batch::commit)
        .thenApply(written -> standing)
        .exceptionallyCompose(
            failure -> {
              Status.Code status = FirestoreLink.status(failure);
              boolean raced = status == Status.Code.ALREADY_EXISTS || status == Status.Code.ABORTED;
              return raced && attempt < MAX_ATTEMPTS
                  ? FencedCommit.pause(attempt)
                      .thenCompose(paused -> register(proposed, attempt + 1))
                  : CompletableFuture.failedFuture(failure);
            });
  }

  private CompletableFuture<Boolean> change(Entry expected, Entry next, int attempt) {
    DocumentReference document = paths.entry(expected.bucket());
    return link.call(document::get)
        .thenCompose(
            found -> {
              Optional<Entry> standing = entry(expected.bucket(), found);
              if (standing.filter(expected::equals).isEmpty()) {
                // A commit that was applied, and sent again, is refused: it may be our own.
                return CompletableFuture.completedFuture(standing.filter(next::equals).isPresent());
              }
              WriteBatch batch = paths.firestore().batch();
              batch.update(
                  document,
                  fields(next),
                  Precondition.updatedAt(
                      Objects.requireNonNull(found.getUpdateTime(), "update time")));
              addVersion(batch, expected.bucket().collection());
              return link.call(batch::commit)
                  .thenApply(written -> true)
                  .exceptionallyCompose(
                      failure -> {
                        Status.Code status = FirestoreLink.status(failure);
                        boolean raced =
                            status == Status.Code.FAILED_PRECONDITION
                                || status == Status.Code.ABORTED;
                        return raced && attempt < MAX_ATTEMPTS
                            ? FencedCommit.pause(attempt)
                                .thenCompose(paused -> change(expected, next, attempt + 1))
                            : CompletableFuture.failedFuture(failure);
                      });
            });
  }

  private void addVersion(WriteBatch batch, String collection) {
    batch.set(
        paths.catalog(collection), Map.of(VERSION, FieldValue.increment(1)), SetOptions.merge());
  }

  private static Map<String, Object> fields(Entry entry) {
    return Map.of("owner", entry.owner(), "epoch", entry.epoch(), "term", entry.term());
  }

  private static Optional<Entry> entry(Bucket bucket, DocumentSnapshot found) {
    return found.exists()
        ? Optional.of(
            new Entry(
                bucket,
                Objects.requireNonNull(found.getString("owner"), "owner"),
                Objects.requireNonNull(found.getLong("epoch"), "epoch"),
                Objects.requireNonNull(found.getLong("term"), "term")))
        : Optional.empty();
  }

  private static List<Entry> entries(String collection, QuerySnapshot found) {
    return found.getDocuments().stream()
        .flatMap(
            document ->
                Bucket.parse(collection, document.getId()).stream()
                    .flatMap(bucket -> entry(bucket, document).stream()))
        .collect(Collectors.toList());
  }

  private static <T> List<List<T>> parts(List<T> all) {
    List<List<T>> parts = new ArrayList<>();
    for (int from = 0; from < all.size(); from += AT_ONCE) {
      parts.add(all.subList(from, Math.min(all.size(), from + AT_ONCE)));
    }
    return parts;
  }
}
