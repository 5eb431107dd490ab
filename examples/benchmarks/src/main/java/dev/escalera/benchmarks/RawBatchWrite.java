package dev.escalera.benchmarks;

import com.google.api.core.ApiFuture;
import com.google.cloud.firestore.FirestoreOptions;
import com.google.cloud.firestore.v1.stub.FirestoreStub;
import com.google.cloud.firestore.v1.stub.FirestoreStubSettings;
import com.google.firestore.v1.BatchWriteRequest;
import com.google.firestore.v1.BatchWriteResponse;
import com.google.firestore.v1.Document;
import com.google.firestore.v1.Value;
import com.google.firestore.v1.Write;
import com.google.protobuf.Timestamp;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;

/** BatchWrite of 500 on the client's own stub, some in flight, nothing else. */
public final class RawBatchWrite implements AutoCloseable {
  private static final int BATCH = 500;

  private final FirestoreStub stub;
  private final String database;
  private final int inFlight;

  /**
   * Opens a stub of its own.
   *
   * @param options of the client
   * @param inFlight how many calls at a time
   * @throws IOException if the stub cannot be made
   */
  public RawBatchWrite(FirestoreOptions options, int inFlight) throws IOException {
    this.inFlight = inFlight;
    this.database = "projects/" + options.getProjectId() + "/databases/" + options.getDatabaseId();
    this.stub =
        FirestoreStubSettings.newBuilder()
            .setTransportChannelProvider(options.getTransportChannelProvider())
            .setCredentialsProvider(options.getCredentialsProvider())
            .build()
            .createStub();
  }

  /**
   * Writes documents, and waits for all of them.
   *
   * @param documents how many
   * @param path of each, below the database
   * @param fields of each: longs, instants and texts
   * @throws Exception if one fails
   */
  public void write(
      int documents, IntFunction<String> path, IntFunction<? extends Map<String, ?>> fields)
      throws Exception {
    Deque<ApiFuture<BatchWriteResponse>> sent = new ArrayDeque<>();
    for (int from = 0; from < documents; from += BATCH) {
      BatchWriteRequest.Builder request = BatchWriteRequest.newBuilder().setDatabase(database);
      for (int i = from; i < Math.min(documents, from + BATCH); i++) {
        request.addWrites(Write.newBuilder().setUpdate(document(path.apply(i), fields.apply(i))));
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

  private Document document(String path, Map<String, ?> fields) {
    Document.Builder document = Document.newBuilder().setName(database + "/documents/" + path);
    fields.forEach((name, value) -> document.putFields(name, value(value)));
    return document.build();
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
