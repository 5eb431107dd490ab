package dev.escalera.benchmarks.batch;

import com.google.api.core.ApiFuture;
import com.google.cloud.firestore.FirestoreOptions;
import com.google.cloud.firestore.v1.stub.FirestoreStub;
import com.google.cloud.firestore.v1.stub.FirestoreStubSettings;
import com.google.firestore.v1.BatchWriteRequest;
import com.google.firestore.v1.BatchWriteResponse;
import com.google.firestore.v1.Document;
import com.google.firestore.v1.Value;
import com.google.firestore.v1.Write;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;

/** BatchWrite of 500 on the client's own stub, some in flight, nothing else. */
final class RawBatchWrite implements AutoCloseable {
  private static final int BATCH = 500;

  private final FirestoreStub stub;
  private final String database;
  private final int inFlight;

  RawBatchWrite(FirestoreOptions options, int inFlight) throws IOException {
    this.inFlight = inFlight;
    this.database = "projects/" + options.getProjectId() + "/databases/" + options.getDatabaseId();
    this.stub =
        FirestoreStubSettings.newBuilder()
            .setTransportChannelProvider(options.getTransportChannelProvider())
            .setCredentialsProvider(options.getCredentialsProvider())
            .build()
            .createStub();
  }

  void write(int documents, IntFunction<Map<String, Object>> fields) throws Exception {
    Deque<ApiFuture<BatchWriteResponse>> sent = new ArrayDeque<>();
    for (int from = 0; from < documents; from += BATCH) {
      BatchWriteRequest.Builder request = BatchWriteRequest.newBuilder().setDatabase(database);
      for (int i = from; i < Math.min(documents, from + BATCH); i++) {
        request.addWrites(Write.newBuilder().setUpdate(document(i, fields.apply(i))));
      }
      if (sent.size() == inFlight) {
        check(sent.remove());
      }
      sent.add(stub.batchWriteCallable().futureCall(request.build()));
    }
    for (ApiFuture<BatchWriteResponse> each : sent) {
      check(each);
    }
  }

  @Override
  public void close() {
    stub.shutdownNow();
  }

  private Document document(int i, Map<String, Object> fields) {
    Document.Builder document =
        Document.newBuilder().setName(database + "/documents/items/item-" + i);
    fields.forEach(
        (name, value) ->
            document.putFields(
                name,
                value instanceof Long number
                    ? Value.newBuilder().setIntegerValue(number).build()
                    : Value.newBuilder().setStringValue(String.valueOf(value)).build()));
    return document.build();
  }

  private static void check(ApiFuture<BatchWriteResponse> sent) throws Exception {
    BatchWriteResponse response = sent.get(1, TimeUnit.MINUTES);
    if (response.getStatusList().stream().anyMatch(status -> status.getCode() != 0)) {
      throw new IllegalStateException("a write failed");
    }
  }
}
