package dev.escalera.batch.firestore;

import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.FirestoreOptions;
import com.google.firestore.v1.BatchGetDocumentsRequest;
import com.google.firestore.v1.BatchGetDocumentsResponse;
import com.google.firestore.v1.BatchWriteRequest;
import com.google.firestore.v1.BatchWriteResponse;
import com.google.firestore.v1.CommitRequest;
import com.google.firestore.v1.CommitResponse;
import com.google.firestore.v1.Document;
import com.google.firestore.v1.DocumentTransform.FieldTransform;
import com.google.firestore.v1.Value;
import com.google.firestore.v1.Write;
import com.google.firestore.v1.WriteResult;
import com.google.protobuf.Message;
import com.google.rpc.Status;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status.Code;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A Firestore of documents in memory behind the published service definition, for faults that the
 * emulator does not make: each call has a fixed latency and does what a plan says.
 */
final class FakeFirestore implements AutoCloseable {
  private static final String SERVICE = "google.firestore.v1.Firestore";

  /**
   * What becomes of a call.
   *
   * @param latency until its answer
   * @param refusal what it is refused with as a whole, before anything is applied; null to apply it
   * @param loss what is answered once it is applied, in place of the answer; null to answer
   * @param answers how many statuses a BatchWrite has at most
   */
  record Fate(Duration latency, @Nullable Code refusal, @Nullable Code loss, int answers) {
    static final Fate APPLY = new Fate(Duration.ofMillis(1), null, null, Integer.MAX_VALUE);

    Fate after(Duration newLatency) {
      return new Fate(newLatency, refusal, loss, answers);
    }

    Fate refusedWith(Code code) {
      return new Fate(latency, code, loss, answers);
    }

    Fate lostWith(Code code) {
      return new Fate(latency, refusal, code, answers);
    }

    Fate answering(int count) {
      return new Fate(latency, refusal, loss, count);
    }
  }

  /** Says what becomes of calls and of single writes of a BatchWrite. */
  interface Plan {
    /** Returns the fate of a call, which is the so-and-so-many-th, from 1. */
    Fate of(int call, List<Write> writes);

    /** Returns the code that a write is refused with. */
    default Code of(Write write) {
      return Code.OK;
    }
  }

  private final ScheduledExecutorService threads = Executors.newScheduledThreadPool(2);
  private final Server server;
  private final Object lock = new Object();
  private final Map<String, Document> documents = new HashMap<>();
  private final List<Write> applied = new ArrayList<>();
  private volatile Plan plan = (call, writes) -> Fate.APPLY;
  private boolean forgetful;
  private long forgotten;
  private int largestRequest;
  private int calls;

  FakeFirestore() throws IOException {
    ServerServiceDefinition service =
        ServerServiceDefinition.builder(SERVICE)
            .addMethod(
                unary(
                    "BatchWrite",
                    BatchWriteRequest.getDefaultInstance(),
                    BatchWriteResponse.getDefaultInstance()),
                ServerCalls.asyncUnaryCall(this::batchWrite))
            .addMethod(
                unary(
                    "Commit",
                    CommitRequest.getDefaultInstance(),
                    CommitResponse.getDefaultInstance()),
                ServerCalls.asyncUnaryCall(this::commit))
            .addMethod(
                method(
                    MethodDescriptor.MethodType.SERVER_STREAMING,
                    "BatchGetDocuments",
                    BatchGetDocumentsRequest.getDefaultInstance(),
                    BatchGetDocumentsResponse.getDefaultInstance()),
                ServerCalls.asyncServerStreamingCall(this::batchGet))
            .build();
    server =
        Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
            .addService(service)
            .maxInboundMessageSize(10 << 20)
            .build()
            .start();
  }

  /** Opens a client, to be shut down by the caller. */
  Firestore openClient() {
    return FirestoreOptions.newBuilder()
        .setProjectId("fake")
        .setEmulatorHost(hostPort())
        .build()
        .getService();
  }

  String hostPort() {
    return "127.0.0.1:" + server.getPort();
  }

  void plan(Plan newPlan) {
    plan = newPlan;
  }

  /** From now on keeps nothing of what is applied, but counts it. */
  void forget() {
    synchronized (lock) {
      forgetful = true;
    }
  }

  /** Returns the bytes of the largest call of writes so far. */
  int largestRequest() {
    synchronized (lock) {
      return largestRequest;
    }
  }

  long forgotten() {
    synchronized (lock) {
      return forgotten;
    }
  }

  int calls() {
    synchronized (lock) {
      return calls;
    }
  }

  /** Returns the last segments of the names of all that was applied, in order. */
  List<String> applied() {
    synchronized (lock) {
      return applied.stream().map(write -> id(name(write))).toList();
    }
  }

  /** Returns the writes that were applied to a document, in order. */
  List<Write> applied(String id) {
    synchronized (lock) {
      return applied.stream().filter(write -> id(name(write)).equals(id)).toList();
    }
  }

  @Nullable Document document(String collection, String id) {
    synchronized (lock) {
      return documents.get("projects/fake/databases/(default)/documents/" + collection + "/" + id);
    }
  }

  void remove(String collection, String id) {
    synchronized (lock) {
      documents.remove("projects/fake/databases/(default)/documents/" + collection + "/" + id);
    }
  }

  long count(String collection) {
    synchronized (lock) {
      return documents.keySet().stream().filter(n -> n.contains("/" + collection + "/")).count();
    }
  }

  @Override
  public void close() {
    server.shutdownNow();
    threads.shutdownNow();
  }

  private void batchWrite(BatchWriteRequest request, StreamObserver<BatchWriteResponse> observer) {
    Fate fate = fate(request, request.getWritesList());
    Set<String> names = new HashSet<>();
    boolean twice = request.getWritesList().stream().anyMatch(write -> !names.add(name(write)));
    Code refusal = twice ? Code.INVALID_ARGUMENT : fate.refusal;
    BatchWriteResponse.Builder response = BatchWriteResponse.newBuilder();
    // As late as can be, so that two calls in flight for one document show.
    answer(
        observer,
        fate,
        refusal,
        () -> {
          for (Write write : request.getWritesList()) {
            Code code = plan.of(write);
            code = code == Code.OK ? apply(write) : code;
            if (response.getStatusCount() < fate.answers) {
              response
                  .addStatus(Status.newBuilder().setCode(code.value()).setMessage("planned"))
                  .addWriteResults(WriteResult.getDefaultInstance());
            }
          }
          return response.build();
        });
  }

  private void commit(CommitRequest request, StreamObserver<CommitResponse> observer) {
    Fate fate = fate(request, request.getWritesList());
    answer(
        observer,
        fate,
        fate.refusal,
        () -> {
          synchronized (lock) {
            for (Write write : request.getWritesList()) {
              Code code = check(write);
              if (code != Code.OK) {
                throw code.toStatus().withDescription("planned").asRuntimeException();
              }
            }
            request.getWritesList().forEach(this::apply);
          }
          CommitResponse.Builder response = CommitResponse.newBuilder();
          request
              .getWritesList()
              .forEach(write -> response.addWriteResults(WriteResult.getDefaultInstance()));
          return response.build();
        });
  }

  private void batchGet(
      BatchGetDocumentsRequest request, StreamObserver<BatchGetDocumentsResponse> observer) {
    synchronized (lock) {
      calls++;
      for (String name : request.getDocumentsList()) {
        Document found = documents.get(name);
        BatchGetDocumentsResponse.Builder response =
            BatchGetDocumentsResponse.newBuilder()
                .setReadTime(com.google.protobuf.Timestamp.newBuilder().setSeconds(1));
        observer.onNext(
            found == null ? response.setMissing(name).build() : response.setFound(found).build());
      }
    }
    observer.onCompleted();
  }

  private Fate fate(Message request, List<Write> writes) {
    synchronized (lock) {
      largestRequest = Math.max(largestRequest, request.getSerializedSize());
      return plan.of(++calls, writes);
    }
  }

  private <R> void answer(
      StreamObserver<R> observer,
      Fate fate,
      @Nullable Code refusal,
      java.util.function.Supplier<R> effect) {
    threads.schedule(
        () -> {
          try {
            if (refusal != null) {
              throw refusal.toStatus().withDescription("planned").asRuntimeException();
            }
            R response = effect.get();
            if (fate.loss != null) {
              throw fate.loss.toStatus().withDescription("planned").asRuntimeException();
            }
            observer.onNext(response);
            observer.onCompleted();
          } catch (RuntimeException e) {
            observer.onError(e);
          }
        },
        fate.latency.toNanos(),
        TimeUnit.NANOSECONDS);
  }

  private Code apply(Write write) {
    synchronized (lock) {
      Code code = check(write);
      if (code != Code.OK) {
        return code;
      }
      if (forgetful) {
        forgotten++;
        return Code.OK;
      }
      applied.add(write);
      String name = name(write);
      if (write.getOperationCase() == Write.OperationCase.DELETE) {
        documents.remove(name);
        return Code.OK;
      }
      Document old = documents.get(name);
      Document.Builder changed =
          write.hasUpdateMask() && old != null
              ? old.toBuilder()
              : Document.newBuilder().setName(name);
      changed.putAllFields(write.getUpdate().getFieldsMap());
      for (FieldTransform transform : write.getUpdateTransformsList()) {
        String field = transform.getFieldPath().replace("`", "");
        long before =
            changed.getFieldsOrDefault(field, Value.getDefaultInstance()).getIntegerValue();
        long sum = before + transform.getIncrement().getIntegerValue();
        changed.putFields(field, Value.newBuilder().setIntegerValue(sum).build());
      }
      documents.put(name, changed.build());
      return Code.OK;
    }
  }

  private Code check(Write write) {
    if (!write.hasCurrentDocument()) {
      return Code.OK;
    }
    boolean exists = documents.containsKey(name(write));
    if (write.getCurrentDocument().getExists() == exists) {
      return Code.OK;
    }
    return exists ? Code.ALREADY_EXISTS : Code.NOT_FOUND;
  }

  private static String name(Write write) {
    return write.getOperationCase() == Write.OperationCase.DELETE
        ? write.getDelete()
        : write.getUpdate().getName();
  }

  private static String id(String name) {
    return name.substring(name.lastIndexOf('/') + 1);
  }

  private static <Q extends Message, R extends Message> MethodDescriptor<Q, R> unary(
      String name, Q request, R response) {
    return method(MethodDescriptor.MethodType.UNARY, name, request, response);
  }

  private static <Q extends Message, R extends Message> MethodDescriptor<Q, R> method(
      MethodDescriptor.MethodType type, String name, Q request, R response) {
    return MethodDescriptor.<Q, R>newBuilder()
        .setType(type)
        .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, name))
        .setRequestMarshaller(ProtoUtils.marshaller(request))
        .setResponseMarshaller(ProtoUtils.marshaller(response))
        .build();
  }
}
