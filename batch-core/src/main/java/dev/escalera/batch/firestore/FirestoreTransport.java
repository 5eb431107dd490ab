package dev.escalera.batch.firestore;

import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.FirestoreOptions;
import com.google.firestore.v1.Write;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.internal.Fingerprint;
import dev.escalera.batch.internal.Prepared;
import dev.escalera.batch.internal.Replays;
import dev.escalera.batch.internal.Reply;
import dev.escalera.batch.internal.Transport;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Sends what is without a key as one BatchWrite, and what has one as a Commit with its ledger
 * documents.
 */
final class FirestoreTransport implements Transport<DocumentWrite, FirestoreTransport.Call> {
  private static final int MAX_DOCUMENT_BYTES = 1 << 20;
  private static final int MAX_REQUEST_BYTES = 9_500_000;

  /** Each has two writes, and some of production's limits count writes. */
  private static final int MAX_KEYED = 250;

  /**
   * What goes out for an operation, or for several that go together.
   *
   * @param writes their effects
   * @param ledgers the writes of their ledger documents, one an effect or none
   * @param atomic whether they are a commit of their own
   */
  record Call(List<Write> writes, List<Write> ledgers, boolean atomic) {}

  private final String documents;
  private final String ledgerCollection;
  private final Duration idempotencyTtl;
  private final InstantSource clock;
  private final Commits commits;

  FirestoreTransport(
      Firestore firestore,
      FirestoreCalls calls,
      String ledgerCollection,
      Duration idempotencyTtl,
      InstantSource clock) {
    FirestoreOptions options = firestore.getOptions();
    String database =
        "projects/" + options.getProjectId() + "/databases/" + options.getDatabaseId();
    this.documents = database + "/documents";
    this.ledgerCollection = ledgerCollection;
    this.idempotencyTtl = idempotencyTtl;
    this.clock = clock;
    this.commits = new Commits(calls, database);
  }

  @Override
  public Prepared<Call> prepare(DocumentWrite operation) {
    Write write = Writes.of(documents, operation);
    List<Write> ledgers = ledgers(List.of(operation));
    int bytes = size(write) + ledgers.stream().mapToInt(FirestoreTransport::size).sum();
    return Prepared.one(
        new Call(List.of(write), ledgers, false),
        key(operation),
        bytes,
        operation.repeatable(),
        refusal(write));
  }

  @Override
  public Prepared<Call> prepareAtomic(List<? extends DocumentWrite> operations) {
    List<Write> writes = new ArrayList<>();
    List<Object> keys = new ArrayList<>();
    Throwable refusal = null;
    long bytes = 0;
    for (DocumentWrite operation : operations) {
      Write write = Writes.of(documents, operation);
      writes.add(write);
      keys.add(key(operation));
      bytes += size(write);
      refusal = refusal == null ? refusal(write) : refusal;
    }
    List<Write> ledgers = ledgers(operations);
    if (!ledgers.isEmpty() && ledgers.size() != writes.size()) {
      throw new IllegalArgumentException(
          ledgers.size()
              + " of "
              + writes.size()
              + " writes have an idempotency key, expected all or none");
    }
    if (refusal == null && bytes > MAX_REQUEST_BYTES) {
      refusal =
          new IllegalArgumentException(
              "the writes have " + bytes + " bytes, expected at most " + MAX_REQUEST_BYTES);
    }
    boolean repeatable = operations.stream().allMatch(DocumentWrite::repeatable);
    return new Prepared<>(
        new Call(writes, ledgers, true), keys, bytes, writes.size(), true, repeatable, refusal);
  }

  @Override
  public CompletableFuture<List<Reply>> send(List<Call> batch) {
    if (batch.get(0).atomic()) {
      return commits.commitAtomic(batch.get(0)).thenApply(List::of);
    }
    Reply[] replies = new Reply[batch.size()];
    List<Integer> plain = new ArrayList<>();
    List<Integer> keyed = new ArrayList<>();
    for (int i = 0; i < batch.size(); i++) {
      (batch.get(i).ledgers().isEmpty() ? plain : keyed).add(i);
    }
    List<CompletableFuture<Void>> parts = new ArrayList<>();
    if (!plain.isEmpty()) {
      parts.add(place(plain, commits.batchWrite(select(batch, plain)), replies));
    }
    for (int from = 0; from < keyed.size(); from += MAX_KEYED) {
      List<Integer> some = keyed.subList(from, Math.min(keyed.size(), from + MAX_KEYED));
      parts.add(place(some, commits.commitKeyed(select(batch, some)), replies));
    }
    return CompletableFuture.allOf(parts.toArray(CompletableFuture<?>[]::new))
        .thenApply(all -> Arrays.asList(replies));
  }

  @Override
  public DocumentWrite replayable(DocumentWrite write, String key) {
    return Replays.replayable(write, key);
  }

  @Override
  public long fingerprint(DocumentWrite operation) {
    return Fingerprint.of(operation);
  }

  @Override
  public void close() {
    commits.close();
  }

  private static CompletableFuture<Void> place(
      List<Integer> indices, CompletableFuture<List<Reply>> sent, Reply[] replies) {
    return sent.thenAccept(
        answers -> {
          for (int i = 0; i < indices.size(); i++) {
            replies[indices.get(i)] =
                i < answers.size()
                    ? answers.get(i)
                    : Reply.unknown(new IllegalStateException("Firestore's answer is too short"));
          }
        });
  }

  private static List<Call> select(List<Call> batch, List<Integer> indices) {
    return indices.stream().map(batch::get).toList();
  }

  private List<Write> ledgers(List<? extends DocumentWrite> operations) {
    List<Write> ledgers = new ArrayList<>();
    for (DocumentWrite operation : operations) {
      operation
          .idempotencyKey()
          .ifPresent(
              key ->
                  ledgers.add(
                      Writes.ledger(
                          documents + "/" + ledgerCollection + "/" + hash(key(operation), key),
                          clock.instant().plus(idempotencyTtl))));
    }
    return ledgers;
  }

  /** Spread over the key space, so that ledgers are no hotspot. */
  private static String hash(String document, String key) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(document.getBytes(StandardCharsets.UTF_8));
      // Not in an id, so no two pairs give the same bytes.
      digest.update((byte) '/');
      digest.update(key.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private static String key(DocumentWrite operation) {
    return operation.collection() + "/" + operation.id();
  }

  private static int size(Write write) {
    // As a field of a request: a tag and its length come before it.
    return write.getSerializedSize() + 5;
  }

  private static @Nullable Throwable refusal(Write write) {
    int bytes = write.getSerializedSize();
    return bytes <= MAX_DOCUMENT_BYTES
        ? null
        : new IllegalArgumentException(
            "the write has " + bytes + " bytes, expected at most " + MAX_DOCUMENT_BYTES);
  }
}
