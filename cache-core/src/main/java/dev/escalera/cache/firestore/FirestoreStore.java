package dev.escalera.cache.firestore;

import com.google.cloud.Timestamp;
import com.google.cloud.firestore.Blob;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.Precondition;
import com.google.cloud.firestore.WriteBatch;
import com.google.cloud.firestore.WriteResult;
import dev.escalera.cache.internal.Address;
import dev.escalera.cache.internal.Claim;
import dev.escalera.cache.internal.Coherence;
import dev.escalera.cache.internal.Envelope;
import dev.escalera.cache.internal.Found;
import dev.escalera.cache.internal.Keys;
import dev.escalera.cache.internal.Lease;
import dev.escalera.cache.internal.Platform;
import dev.escalera.cache.internal.Store;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The values in Firestore: one document a key, which holds a value or is a tombstone, expired by
 * the time of its write against the read time; its version is the update time. A claim is a write
 * to the same document: whoever changes the key ends it.
 */
final class FirestoreStore implements Store {
  private static final int MAX_IN_FLIGHT = 1_000;
  private static final int READS_AT_ONCE = 500;
  private static final int MAX_BYTES = 900 << 10;

  /** How long a tombstone stays at least, whatever collects the garbage. */
  private static final Duration TOMBSTONE_LIFE = Duration.ofHours(2);

  /** A load that took longer is not stored: a tombstone may have come and gone meanwhile. */
  private static final Duration MAX_LOAD = Duration.ofMinutes(30);

  /** How long one waits who claimed at the same time as another. */
  private static final Duration RACE = Duration.ofMillis(50);

  private static final Duration TAG_LIFE = Duration.ofDays(400);

  private final Firestore firestore;
  private final FirestoreLayout layout;
  private final FirestoreLink link;
  private final FirestoreLog log;
  private final Lease lease;
  private final Duration claimLife;
  private final Duration maxStaleness;
  private final Platform platform;

  FirestoreStore(
      Firestore firestore,
      String name,
      Duration deadline,
      Duration claimLife,
      Duration maxStaleness,
      Windows windows,
      Platform platform) {
    this.claimLife = claimLife;
    this.maxStaleness = maxStaleness;
    this.firestore = firestore;
    this.platform = platform;
    this.layout = new FirestoreLayout(firestore, name);
    this.lease = new Lease(platform, FirestoreLayout.STRIPES);
    String component = "FirestoreTieredCache " + Keys.printable(name);
    this.link = new FirestoreLink(component, deadline, MAX_IN_FLIGHT);
    Heartbeats heartbeats =
        new Heartbeats(firestore, layout.stripes(), component, maxStaleness, platform);
    this.log =
        new FirestoreLog(
            lease, layout.stripes(), windows, heartbeats, component, maxStaleness, platform);
  }

  @Override
  public Lease lease() {
    return lease;
  }

  @Override
  public int readsAtOnce() {
    return READS_AT_ONCE;
  }

  @Override
  public CompletableFuture<List<@Nullable Found>> read(List<Address> addresses) {
    DocumentReference[] documents =
        addresses.stream().map(layout::entry).toArray(DocumentReference[]::new);
    CompletableFuture<List<DocumentSnapshot>> read = link.call(() -> firestore.getAll(documents));
    // In the order of the documents, as the client promises.
    return read.thenApply(
        all -> {
          List<@Nullable Found> found = new ArrayList<>(all.size());
          all.forEach(snapshot -> found.add(found(snapshot)));
          return found;
        });
  }

  private static @Nullable Found found(DocumentSnapshot snapshot) {
    Blob envelope = snapshot.getBlob("envelope");
    Timestamp written = written(snapshot);
    Timestamp read = snapshot.getReadTime();
    return envelope == null || written == null || read == null
        ? null
        : new Found(envelope.toBytes(), millis(written), millis(read));
  }

  /** When a value was written: a claim moves the update time, but keeps what it was. */
  private static @Nullable Timestamp written(DocumentSnapshot snapshot) {
    Timestamp kept = snapshot.getTimestamp("writtenAt");
    return kept != null ? kept : snapshot.getUpdateTime();
  }

  @Override
  public CompletableFuture<Claim> claim(Address address, long nonce, long unwanted, boolean alone) {
    long sent = platform.nanos();
    DocumentReference document = layout.entry(address);
    CompletableFuture<DocumentSnapshot> read = link.call(document::get);
    return read.thenCompose(
        snapshot -> {
          Found found = found(snapshot);
          if (found != null && unwanted != -1 && Envelope.nonce(found.envelope()) != unwanted) {
            return CompletableFuture.completedFuture(new Claim.Present(found));
          }
          if (!alone) {
            // The version is read before the load, and no write tells others of it.
            return CompletableFuture.completedFuture(
                new Claim.Granted(new Version(snapshot.getUpdateTime(), sent)));
          }
          Duration left = left(snapshot);
          return left != null
              ? CompletableFuture.completedFuture(new Claim.Busy(left))
              : claim(document, snapshot, nonce, sent);
        });
  }

  /** Returns how long a claim stands; null if there is none. */
  private static @Nullable Duration left(DocumentSnapshot snapshot) {
    Long claim = snapshot.getLong("claim");
    Long life = snapshot.getLong("claimMillis");
    Timestamp updated = snapshot.getUpdateTime();
    Timestamp read = snapshot.getReadTime();
    if (claim == null || life == null || updated == null || read == null) {
      return null;
    }
    long left = millis(updated) + life - millis(read);
    return left > 0 ? Duration.ofMillis(left) : null;
  }

  private CompletableFuture<Claim> claim(
      DocumentReference document, DocumentSnapshot snapshot, long nonce, long sent) {
    Timestamp updated = snapshot.getUpdateTime();
    CompletableFuture<WriteResult> written =
        link.call(
            () -> {
              if (updated == null) {
                Map<String, Object> fields = fields(null, Duration.ZERO, nonce);
                fields.putAll(claimFields(nonce));
                return document.create(fields);
              }
              Map<String, Object> fields = claimFields(nonce);
              fields.put("writtenAt", snapshot.contains("envelope") ? written(snapshot) : null);
              return document.update(fields, Precondition.updatedAt(updated));
            });
    return written
        .<Claim>thenApply(result -> new Claim.Granted(new Version(result.getUpdateTime(), sent)))
        .exceptionallyCompose(
            failure ->
                FirestoreLink.isLostRace(failure)
                    ? CompletableFuture.completedFuture(new Claim.Busy(RACE))
                    : CompletableFuture.failedFuture(failure));
  }

  private Map<String, Object> claimFields(long nonce) {
    Map<String, Object> fields = new HashMap<>();
    // A nonce, so that the update time moves with each extension, too.
    fields.put("claim", nonce);
    fields.put("claimMillis", claimLife.toMillis());
    return fields;
  }

  @Override
  public boolean tellsLoads() {
    // That would take another write.
    return false;
  }

  @Override
  public CompletableFuture<Boolean> fill(
      Address address, Claim claim, byte[] envelope, Duration life) {
    Version version = version(claim);
    if (platform.nanos() - version.sent > MAX_LOAD.toNanos()) {
      return CompletableFuture.completedFuture(false);
    }
    DocumentReference document = layout.entry(address);
    // The envelope begins with a nonce of its own: the update time moves in every case.
    Map<String, Object> fields = fields(Blob.fromBytes(envelope), life, platform.nonce());
    // Ends the claim: an update leaves what it does not name.
    fields.put("claim", null);
    fields.put("writtenAt", null);
    return version
        .then(
            updated -> {
              CompletableFuture<WriteResult> written =
                  link.call(
                      () ->
                          updated == null
                              ? document.create(fields)
                              : document.update(fields, Precondition.updatedAt(updated)));
              return written.thenApply(WriteResult::getUpdateTime);
            })
        .thenApply(result -> true)
        .exceptionallyCompose(
            failure ->
                FirestoreLink.isLostRace(failure)
                    ? CompletableFuture.completedFuture(false)
                    : CompletableFuture.failedFuture(failure));
  }

  @Override
  public void release(Address address, Claim claim) {
    Map<String, Object> none = new HashMap<>();
    none.put("claim", null);
    none.put("nonce", platform.nonce());
    update(address, claim, none);
  }

  @Override
  public void extend(Address address, Claim claim) {
    update(address, claim, claimFields(platform.nonce()));
  }

  /** Writes to a document that is claimed, without an answer. */
  private void update(Address address, Claim claim, Map<String, Object> fields) {
    DocumentReference document = layout.entry(address);
    version(claim)
        .then(
            updated -> {
              if (updated == null) {
                // Claimed without a write: nobody waits for it.
                return CompletableFuture.completedFuture(null);
              }
              CompletableFuture<WriteResult> written =
                  link.call(() -> document.update(fields, Precondition.updatedAt(updated)));
              return written.thenApply(WriteResult::getUpdateTime);
            });
  }

  @Override
  public Duration claimLife() {
    return claimLife;
  }

  @Override
  public CompletableFuture<Applied> put(
      Address address,
      byte[] envelope,
      Duration life,
      long nonce,
      long giveUp,
      boolean acknowledge) {
    Map<String, Object> fields = fields(Blob.fromBytes(envelope), life, nonce);
    return change(layout.entry(address), address, fields, nonce, acknowledge);
  }

  @Override
  public CompletableFuture<Applied> invalidate(Address address, long nonce, boolean acknowledge) {
    Map<String, Object> fields = fields(null, Duration.ZERO, nonce);
    return change(layout.entry(address), address, fields, nonce, acknowledge);
  }

  @Override
  public CompletableFuture<List<Long>> tags(List<Address> addresses) {
    List<CompletableFuture<Long>> nonces = new ArrayList<>();
    addresses.forEach(tag -> nonces.add(tag(tag)));
    return CompletableFuture.allOf(nonces.toArray(new CompletableFuture<?>[0]))
        .thenApply(done -> nonces.stream().map(CompletableFuture::join).toList());
  }

  /** Reads the nonce of a tag, which one of those who find none makes. */
  private CompletableFuture<Long> tag(Address tag) {
    DocumentReference document = layout.tag(tag);
    CompletableFuture<DocumentSnapshot> read = link.call(document::get);
    return read.thenCompose(
        snapshot -> {
          Long nonce = snapshot.getLong("nonce");
          if (nonce != null) {
            return CompletableFuture.completedFuture(nonce);
          }
          long fresh = platform.nonce();
          CompletableFuture<WriteResult> made =
              link.call(() -> document.create(fields(null, TAG_LIFE, fresh)));
          return made.thenApply(written -> fresh)
              .exceptionallyCompose(
                  failure ->
                      FirestoreLink.isLostRace(failure)
                          ? tag(tag)
                          : CompletableFuture.failedFuture(failure));
        });
  }

  @Override
  public CompletableFuture<Applied> invalidateTag(Address tag, long nonce, boolean acknowledge) {
    return change(layout.tag(tag), tag, fields(null, TAG_LIFE, nonce), nonce, acknowledge);
  }

  @Override
  public CompletableFuture<Void> barrier() {
    return CompletableFuture.failedFuture(
        new UnsupportedOperationException("a listener does not say what it has heard of"));
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

  private CompletableFuture<Applied> change(
      DocumentReference document,
      Address address,
      Map<String, Object> fields,
      long nonce,
      boolean acknowledge) {
    CompletableFuture<List<WriteResult>> written =
        link.call(
            () -> {
              WriteBatch batch = firestore.batch();
              batch.set(document, fields);
              batch.create(
                  layout.change(address.hash(), nonce), LogStripe.fields(address.hash(), nonce));
              return batch.commit();
            });
    return written.thenApply(results -> acknowledge ? new Applied(leaseAfter()) : Applied.ALONE);
  }

  /**
   * Ends when no node serves what a change has dropped that Firestore has confirmed by now: one
   * lease later, on the clock of this node.
   *
   * <p>A node that serves L1 then holds a lease from a read that it sent less than a lease before,
   * so after the confirmation. A strong read shows what was committed before it was sent: its read
   * time is no earlier than the commit. And the lease began when the listener of the key's stripe
   * had told of all that was committed until then. Nobody has to answer; 1 % is for two clocks that
   * do not run at the same rate.
   */
  private CompletableFuture<Void> leaseAfter() {
    CompletableFuture<Void> over = new CompletableFuture<>();
    long nanos = maxStaleness.toNanos();
    platform.after(nanos + nanos / 100, () -> over.complete(null));
    return over;
  }

  private static Version version(Claim claim) {
    if (claim instanceof Claim.Granted granted && granted.version() instanceof Version version) {
      return version;
    }
    throw new IllegalArgumentException("not a claim of this store: " + claim);
  }

  private static Map<String, Object> fields(@Nullable Blob envelope, Duration ttl, long nonce) {
    Map<String, Object> fields = new HashMap<>();
    fields.put("envelope", envelope);
    fields.put("ttlMillis", ttl.toMillis());
    fields.put("nonce", nonce);
    fields.put("expiresAt", Times.garbageAt(ttl.plus(TOMBSTONE_LIFE)));
    return fields;
  }

  private static long millis(Timestamp time) {
    return time.getSeconds() * 1_000 + time.getNanos() / 1_000_000;
  }

  /**
   * What a document was when a load began, and is with each write of the one that loads: its update
   * time, null if there was none.
   */
  private static final class Version {
    final long sent;
    private CompletableFuture<@Nullable Timestamp> updated;

    Version(@Nullable Timestamp updated, long sent) {
      this.updated = CompletableFuture.completedFuture(updated);
      this.sent = sent;
    }

    /** Makes a write after those that were begun before; one that fails is the last. */
    synchronized CompletableFuture<@Nullable Timestamp> then(
        Function<@Nullable Timestamp, CompletableFuture<@Nullable Timestamp>> write) {
      updated = updated.thenCompose(write);
      return updated;
    }
  }
}
