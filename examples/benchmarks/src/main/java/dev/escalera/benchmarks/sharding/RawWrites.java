package dev.escalera.benchmarks.sharding;

import com.google.api.core.ApiFuture;
import com.google.cloud.firestore.FirestoreOptions;
import com.google.cloud.firestore.v1.stub.FirestoreStub;
import com.google.cloud.firestore.v1.stub.FirestoreStubSettings;
import com.google.firestore.v1.BatchWriteRequest;
import com.google.firestore.v1.BatchWriteResponse;
import com.google.firestore.v1.Value;
import com.google.firestore.v1.Write;
import com.google.protobuf.Timestamp;
import dev.escalera.sharding.Document;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** BatchWrite of 500 on the client's own stub, some in flight, nothing else. */
final class RawWrites implements AutoCloseable {
  private static final int BATCH = 500;

  private final FirestoreStub stub;
  private final String database;
  private final int inFlight;

  RawWrites(FirestoreOptions options, int inFlight) throws IOException {
    this.inFlight = inFlight;
    this.database = "projects/" + options.getProjectId() + "/databases/" + options.getDatabaseId();
    this.stub =
        FirestoreStubSettings.newBuilder()
            .setTransportChannelProvider(options.getTransportChannelProvider())
            .setCredentialsProvider(options.getCredentialsProvider())
            .build()
            .createStub();
  }

  /** Writes documents, each below the path that {@code parent} gives. */
  void write(List<Document> documents, Function<Document, String> parent) throws Exception {
    Deque<ApiFuture<BatchWriteResponse>> sent = new ArrayDeque<>();
    for (int from = 0; from < documents.size(); from += BATCH) {
      BatchWriteRequest.Builder request = BatchWriteRequest.newBuilder().setDatabase(database);
      for (Document each : documents.subList(from, Math.min(documents.size(), from + BATCH))) {
        request.addWrites(Write.newBuilder().setUpdate(proto(each, parent.apply(each))));
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

  private com.google.firestore.v1.Document proto(Document document, String parent) {
    com.google.firestore.v1.Document.Builder proto =
        com.google.firestore.v1.Document.newBuilder()
            .setName(database + "/documents/" + parent + "/" + document.id());
    document.fields().forEach((name, value) -> proto.putFields(name, value(value)));
    return proto.build();
  }

  private static Value value(Object value) {
    Value.Builder proto = Value.newBuilder();
    if (value instanceof Long number) {
      return proto.setIntegerValue(number).build();
    }
    if (value instanceof Instant time) {
      return proto
          .setTimestampValue(
              Timestamp.newBuilder().setSeconds(time.getEpochSecond()).setNanos(time.getNano()))
          .build();
    }
    return proto.setStringValue(String.valueOf(value)).build();
  }

  private static void check(ApiFuture<BatchWriteResponse> sent) throws Exception {
    BatchWriteResponse response = sent.get(1, TimeUnit.MINUTES);
    if (response.getStatusList().stream().anyMatch(status -> status.getCode() != 0)) {
      throw new IllegalStateException("a write failed");
    }
  }
}
