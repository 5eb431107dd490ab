package dev.escalera.batch.firestore;

import com.google.api.gax.core.BackgroundResource;
import com.google.api.gax.rpc.ServerStreamingCallSettings;
import com.google.api.gax.rpc.StatusCode;
import com.google.api.gax.rpc.UnaryCallSettings;
import com.google.cloud.firestore.FirestoreOptions;
import com.google.cloud.firestore.v1.stub.FirestoreStub;
import com.google.cloud.firestore.v1.stub.FirestoreStubSettings;
import com.google.firestore.v1.BatchGetDocumentsRequest;
import com.google.firestore.v1.BatchGetDocumentsResponse;
import com.google.firestore.v1.BatchWriteRequest;
import com.google.firestore.v1.BatchWriteResponse;
import com.google.firestore.v1.CommitRequest;
import com.google.firestore.v1.CommitResponse;
import dev.escalera.batch.BatchException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * The calls of Firestore's protocol that batches need, without any retry of the client's, on a
 * channel with the host's options and credentials: the client itself offers no BatchWrite but by
 * its BulkWriter.
 */
final class FirestoreCalls implements AutoCloseable {
  private static final int MAX_CALLS = 2_000;

  private final FirestoreLink link;
  private final FirestoreStub stub;

  FirestoreCalls(String name, FirestoreOptions options, Duration deadline) {
    this.link = new FirestoreLink(name, deadline, MAX_CALLS);
    this.stub = stub(options, deadline);
  }

  CompletableFuture<BatchWriteResponse> batchWrite(BatchWriteRequest request) {
    return link.call(() -> stub.batchWriteCallable().futureCall(request));
  }

  CompletableFuture<CommitResponse> commit(CommitRequest request) {
    return link.call(() -> stub.commitCallable().futureCall(request));
  }

  CompletableFuture<List<BatchGetDocumentsResponse>> batchGet(BatchGetDocumentsRequest request) {
    return link.call(() -> stub.batchGetDocumentsCallable().all().futureCall(request));
  }

  @Override
  public void close() {
    link.close();
    ((BackgroundResource) stub).shutdownNow();
  }

  private static FirestoreStub stub(FirestoreOptions options, Duration deadline) {
    FirestoreStubSettings.Builder settings =
        FirestoreStubSettings.newBuilder()
            .setTransportChannelProvider(options.getTransportChannelProvider())
            .setCredentialsProvider(options.getCredentialsProvider());
    once(settings.batchWriteSettings(), deadline);
    once(settings.commitSettings(), deadline);
    ServerStreamingCallSettings.Builder<?, ?> reads = settings.batchGetDocumentsSettings();
    reads.setRetryableCodes(Set.<StatusCode.Code>of()).setSimpleTimeoutNoRetriesDuration(deadline);
    try {
      return settings.build().createStub();
    } catch (IOException e) {
      throw new BatchException("no channel to " + options.getHost() + " can be opened", e);
    }
  }

  private static void once(UnaryCallSettings.Builder<?, ?> settings, Duration deadline) {
    settings.setRetryableCodes(Set.of()).setSimpleTimeoutNoRetriesDuration(deadline);
  }
}
