package dev.escalera.cache.firestore;

import com.google.cloud.Timestamp;
import com.google.cloud.firestore.CollectionReference;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.FieldValue;
import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.Precondition;
import com.google.cloud.firestore.WriteBatch;
import com.google.cloud.firestore.WriteResult;
import dev.escalera.cache.internal.Platform;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The heartbeats of a cache: a document in each stripe of its log, overwritten by one commit, which
 * goes through only if the first is still as it was read. That is the election, too: the document
 * names a leader, who writes at each of its reads, and whoever finds it too old names itself.
 *
 * <p>A heartbeat says no more than when it was committed, so it does not matter who writes it: a
 * leader that is paused, cut off or deposed can do no harm, and whose commit fails was preceded by
 * another that is as good. All times are Firestore's. Safe for use by several threads.
 */
final class Heartbeats implements AutoCloseable {
  /** The id of the document in each stripe; a change has 16 digits. */
  static final String ID = "heartbeat";

  /** How often in one lease a node reads, and the leader writes. */
  static final int A_LEASE = 4;

  /** A node reads and the leader writes one at a time; more than these are late. */
  private static final int MAX_IN_FLIGHT = 16;

  private final Firestore firestore;
  private final List<DocumentReference> documents;
  private final Platform platform;
  private final FirestoreLink link;
  private final long node;
  private final long patienceNanos;

  /**
   * What a read has shown.
   *
   * @param now its read time
   * @param beat the last heartbeat, null if there is none
   * @param leader who is to write the next, 0 if nobody
   */
  record Seen(Timestamp now, @Nullable Timestamp beat, long leader) {}

  Heartbeats(
      Firestore firestore,
      List<CollectionReference> stripes,
      String component,
      Duration maxStaleness,
      Platform platform) {
    this.firestore = firestore;
    this.documents = stripes.stream().map(stripe -> stripe.document(ID)).toList();
    this.platform = platform;
    this.node = platform.nonce();
    // Half an interval too late: those who listen hold their leases until the next has written.
    this.patienceNanos = maxStaleness.toNanos() / A_LEASE * 3 / 2;
    // A read that takes a lease is of no use.
    this.link = new FirestoreLink(component + ", heartbeats", maxStaleness, MAX_IN_FLIGHT);
  }

  /** Reads the first document. */
  CompletableFuture<Seen> read() {
    CompletableFuture<DocumentSnapshot> read = link.call(documents.get(0)::get);
    return read.thenApply(
        snapshot -> {
          Timestamp now = snapshot.getReadTime();
          if (now == null) {
            throw new IllegalStateException("a read without a read time");
          }
          Long leader = snapshot.getLong("leader");
          return new Seen(now, snapshot.getUpdateTime(), leader == null ? 0 : leader);
        });
  }

  /** Returns whether it is for this node to write after what it has seen. */
  boolean isDue(Seen seen) {
    return seen.leader == node || isLost(seen);
  }

  /** Writes a heartbeat, unless another node has since what was seen. */
  CompletableFuture<?> write(Seen seen) {
    Map<String, Object> fields = new HashMap<>();
    fields.put("leader", isLost(seen) ? node : seen.leader);
    // What is set to the same again keeps its update time.
    fields.put("nonce", platform.nonce());
    fields.put("at", FieldValue.serverTimestamp());
    fields.put("expiresAt", Times.garbageAt(Windows.LIFE));
    CompletableFuture<List<WriteResult>> written =
        link.call(
            () -> {
              WriteBatch batch = firestore.batch();
              Timestamp beat = seen.beat;
              if (beat == null) {
                batch.create(documents.get(0), fields);
              } else {
                batch.update(documents.get(0), fields, Precondition.updatedAt(beat));
              }
              documents.subList(1, documents.size()).forEach(each -> batch.set(each, fields));
              return batch.commit();
            });
    return written.exceptionallyCompose(
        failure ->
            FirestoreLink.isLostRace(failure)
                ? CompletableFuture.completedFuture(List.of())
                : CompletableFuture.failedFuture(failure));
  }

  @Override
  public void close() {
    link.close();
  }

  private boolean isLost(Seen seen) {
    return seen.beat == null || Times.nanos(seen.beat, seen.now) > patienceNanos;
  }
}
