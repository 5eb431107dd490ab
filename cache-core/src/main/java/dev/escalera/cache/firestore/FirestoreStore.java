package dev.escalera.cache.firestore;

import com.google.cloud.Timestamp;
import com.google.cloud.firestore.Blob;
import com.google.cloud.firestore.CollectionReference;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.Precondition;
import com.google.cloud.firestore.WriteBatch;
import com.google.cloud.firestore.WriteResult;
import dev.escalera.cache.internal.Address;
import dev.escalera.cache.internal.Coherence;
import dev.escalera.cache.internal.Found;
import dev.escalera.cache.internal.Keys;
import dev.escalera.cache.internal.Nonces;
import dev.escalera.cache.internal.Store;
import io.grpc.Status;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The values in Firestore: one document a key, which holds a value or is a tombstone, expired by
 * its update time against the read time; its version is the update time.
 */
final class FirestoreStore implements Store {
  static final String ROOT = "escalera_cache";
  static final String ENTRIES = "escalera_cache_entries";
  static final String LOG = "escalera_cache_log";

  private static final int MAX_IN_FLIGHT = 1_000;
  private static final int MAX_BYTES = 900 << 10;

  /** How long a tombstone stays at least, whatever collects the garbage. */
  private static final Duration TOMBSTONE_LIFE = Duration.ofHours(2);

  /** A load that took longer is not stored: a tombstone may have come and gone meanwhile. */
  private static final Duration MAX_LOAD = Duration.ofMinutes(30);

  /** Another writer was first. */
  private static final Set<Status.Code> LOST_RACE =
      Set.of(
          Status.Code.ABORTED,
          Status.Code.FAILED_PRECONDITION,
          Status.Code.ALREADY_EXISTS,
          Status.Code.NOT_FOUND);

  private final Firestore firestore;
  private final CollectionReference entries;
  private final CollectionReference changes;
  private final FirestoreLink link;
  private final FirestoreLog log;

  FirestoreStore(Firestore firestore, String name, Duration deadline) {
    this.firestore = firestore;
    DocumentReference cache = firestore.collection(ROOT).document(id(name));
    this.entries = cache.collection(ENTRIES);
    this.changes = cache.collection(LOG);
    String component = "FirestoreTieredCache " + Keys.printable(name);
    this.link = new FirestoreLink(component, deadline, MAX_IN_FLIGHT);
    this.log = new FirestoreLog(changes, component);
  }

  @Override
  public CompletableFuture<Found> read(Address address, Mode mode) {
    long sent = System.nanoTime();
    return link.call(() -> document(address).get())
        .thenApply(
            snapshot -> {
              Blob envelope = snapshot.getBlob("envelope");
              Duration remaining = remaining(snapshot);
              if (mode != Mode.CLAIM
                  && envelope != null
                  && remaining.compareTo(Duration.ZERO) > 0) {
                return Found.value(envelope.toBytes(), remaining);
              }
              return mode == Mode.PEEK
                  ? Found.nothing()
                  : Found.version(new Version(snapshot.getUpdateTime(), sent));
            });
  }

  @Override
  public CompletableFuture<Boolean> fill(
      Address address, Object version, byte[] envelope, Duration ttl) {
    Version read = (Version) version;
    if (System.nanoTime() - read.sent > MAX_LOAD.toNanos()) {
      return CompletableFuture.completedFuture(false);
    }
    DocumentReference document = document(address);
    // The envelope begins with a nonce of its own: the update time moves in every case.
    Map<String, Object> fields = fields(Blob.fromBytes(envelope), ttl, Nonces.next());
    CompletableFuture<WriteResult> written =
        link.call(
            () ->
                read.updated == null
                    ? document.create(fields)
                    : document.update(fields, Precondition.updatedAt(read.updated)));
    return written
        .thenApply(result -> true)
        .exceptionallyCompose(
            failure ->
                LOST_RACE.contains(FirestoreLink.status(failure))
                    ? CompletableFuture.completedFuture(false)
                    : CompletableFuture.failedFuture(failure));
  }

  @Override
  public CompletableFuture<Void> put(Address address, byte[] envelope, Duration ttl, long nonce) {
    return change(address, fields(Blob.fromBytes(envelope), ttl, nonce), nonce);
  }

  @Override
  public CompletableFuture<Void> invalidate(Address address, long nonce) {
    return change(address, fields(null, Duration.ZERO, nonce), nonce);
  }

  @Override
  public int maxBytes() {
    return MAX_BYTES;
  }

  @Override
  public boolean isAvailable() {
    return link.isAvailable();
  }

  @Override
  public void start(Coherence coherence) {
    log.start(coherence);
  }

  @Override
  public void close() {
    log.close();
    link.close();
  }

  DocumentReference document(Address address) {
    return entries.document(sha256(Keys.escape(address.text())));
  }

  private CompletableFuture<Void> change(Address address, Map<String, Object> fields, long nonce) {
    CompletableFuture<List<WriteResult>> written =
        link.call(
            () -> {
              WriteBatch batch = firestore.batch();
              batch.set(document(address), fields);
              batch.create(
                  changes.document(Nonces.hex(nonce)), FirestoreLog.fields(address.hash(), nonce));
              return batch.commit();
            });
    return written.thenAccept(results -> {});
  }

  private static Map<String, Object> fields(@Nullable Blob envelope, Duration ttl, long nonce) {
    Map<String, Object> fields = new HashMap<>();
    fields.put("envelope", envelope);
    fields.put("ttlMillis", ttl.toMillis());
    fields.put("nonce", nonce);
    fields.put("expiresAt", garbageAt(ttl.plus(TOMBSTONE_LIFE)));
    return fields;
  }

  /**
   * When a policy of the database may delete a document, by this node's clock: not a moment of
   * ours.
   */
  static Timestamp garbageAt(Duration life) {
    Instant at = Instant.now().plus(life);
    return Timestamp.ofTimeSecondsAndNanos(at.getEpochSecond(), at.getNano());
  }

  private static Duration remaining(DocumentSnapshot snapshot) {
    Timestamp updated = snapshot.getUpdateTime();
    Timestamp read = snapshot.getReadTime();
    Long ttlMillis = snapshot.getLong("ttlMillis");
    if (updated == null || read == null || ttlMillis == null) {
      return Duration.ZERO;
    }
    return Duration.between(instant(read), instant(updated).plusMillis(ttlMillis));
  }

  private static Instant instant(Timestamp time) {
    return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
  }

  /** Returns the id of a cache: its name, of which Firestore reserves some that begin so. */
  private static String id(String name) {
    String id = Keys.escape(name);
    return id.startsWith("_")
        ? "%5F" + id.substring(1)
        : id.startsWith(".") ? "%2E" + id.substring(1) : id;
  }

  private static String sha256(String text) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** What a document was when a load began: its update time, null if there was none. */
  private record Version(@Nullable Timestamp updated, long sent) {}
}
