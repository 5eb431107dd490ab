package dev.escalera.batch.firestore;

import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.FirestoreOptions;
import com.google.cloud.firestore.v1.stub.FirestoreStub;
import com.google.cloud.firestore.v1.stub.FirestoreStubSettings;
import com.google.firestore.v1.BatchWriteRequest;
import com.google.firestore.v1.BatchWriteResponse;
import com.google.firestore.v1.Write;
import com.google.rpc.Status;
import dev.escalera.batch.BatchException;
import dev.escalera.batch.DocumentWrite;
import dev.escalera.batch.internal.Prepared;
import dev.escalera.batch.internal.Reply;
import dev.escalera.batch.internal.Transport;
import io.grpc.Status.Code;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** Sends a batch as one BatchWrite, without any retry of the client's. */
final class FirestoreTransport implements Transport<DocumentWrite, Write> {
  private static final int MAX_CALLS = 1_000;
  private static final int MAX_DOCUMENT_BYTES = 1 << 20;

  /** Answers that leave it open whether the write was applied. */
  private static final Set<Code> OPEN =
      Set.of(
          Code.UNKNOWN,
          Code.CANCELLED,
          Code.DEADLINE_EXCEEDED,
          Code.INTERNAL,
          Code.UNAVAILABLE,
          Code.DATA_LOSS);

  /** Answers that say that the write was not applied, and that it may be next time. */
  private static final Set<Code> LATER = Set.of(Code.ABORTED, Code.RESOURCE_EXHAUSTED);

  private final String database;
  private final FirestoreLink link;
  private final FirestoreStub stub;

  FirestoreTransport(Firestore firestore, Duration deadline) {
    FirestoreOptions options = firestore.getOptions();
    this.database = "projects/" + options.getProjectId() + "/databases/" + options.getDatabaseId();
    this.link = new FirestoreLink("FirestoreBatchExecutor", deadline, MAX_CALLS);
    this.stub = stub(options, deadline);
  }

  @Override
  public Prepared<Write> prepare(DocumentWrite operation) {
    Write write = Writes.of(database + "/documents", operation);
    int bytes = write.getSerializedSize();
    boolean repeatable =
        !(operation instanceof DocumentWrite.Create
            || operation instanceof DocumentWrite.Increment);
    IllegalArgumentException refusal =
        bytes <= MAX_DOCUMENT_BYTES
            ? null
            : new IllegalArgumentException(
                "the write has " + bytes + " bytes, expected at most " + MAX_DOCUMENT_BYTES);
    return new Prepared<>(
        write, operation.collection() + "/" + operation.id(), bytes, repeatable, refusal);
  }

  @Override
  public CompletableFuture<List<Reply>> send(List<Write> batch) {
    BatchWriteRequest request =
        BatchWriteRequest.newBuilder().setDatabase(database).addAllWrites(batch).build();
    return link.call(() -> stub.batchWriteCallable().futureCall(request))
        .thenApply(response -> replies(batch.size(), response))
        .exceptionallyCompose(failure -> afterFailure(batch, failure));
  }

  @Override
  public void close() {
    link.close();
    stub.shutdownNow();
  }

  private CompletableFuture<List<Reply>> afterFailure(List<Write> batch, Throwable failure) {
    if (FirestoreLink.status(failure) == Code.INVALID_ARGUMENT && batch.size() > 1) {
      // Refused as a whole for one of its writes: nothing was applied, and halves find that one.
      int half = batch.size() / 2;
      return send(batch.subList(0, half))
          .thenCombine(send(batch.subList(half, batch.size())), FirestoreTransport::concat);
    }
    Reply reply = reply(FirestoreLink.unwrap(failure));
    return CompletableFuture.completedFuture(batch.stream().map(write -> reply).toList());
  }

  private static Reply reply(Throwable failure) {
    if (failure instanceof FirestoreLink.NotSentException) {
      return Reply.notApplied(failure);
    }
    return reply(FirestoreLink.status(failure), failure);
  }

  private static List<Reply> replies(int size, BatchWriteResponse response) {
    List<Reply> replies = new ArrayList<>(size);
    for (int i = 0; i < Math.min(size, response.getStatusCount()); i++) {
      Status status = response.getStatus(i);
      Code code = io.grpc.Status.fromCodeValue(status.getCode()).getCode();
      replies.add(
          code == Code.OK
              ? Reply.APPLIED
              : reply(code, new BatchException(code + ": " + status.getMessage(), null)));
    }
    return replies;
  }

  private static Reply reply(Code code, Throwable cause) {
    if (LATER.contains(code)) {
      return Reply.notApplied(cause);
    }
    return OPEN.contains(code) ? Reply.unknown(cause) : Reply.refused(cause);
  }

  private static List<Reply> concat(List<Reply> one, List<Reply> two) {
    List<Reply> all = new ArrayList<>(one);
    all.addAll(two);
    return all;
  }

  /**
   * A stub with the host's channel and credentials: the client itself offers no BatchWrite but by
   * its BulkWriter.
   */
  private static FirestoreStub stub(FirestoreOptions options, Duration deadline) {
    FirestoreStubSettings.Builder settings =
        FirestoreStubSettings.newBuilder()
            .setTransportChannelProvider(options.getTransportChannelProvider())
            .setCredentialsProvider(options.getCredentialsProvider());
    settings
        .batchWriteSettings()
        .setRetryableCodes(Set.of())
        .setSimpleTimeoutNoRetriesDuration(deadline);
    try {
      return settings.build().createStub();
    } catch (IOException e) {
      throw new BatchException("no channel to " + options.getHost() + " can be opened", e);
    }
  }
}
