package dev.escalera.batch.firestore;

import com.google.firestore.v1.BatchGetDocumentsRequest;
import com.google.firestore.v1.BatchGetDocumentsResponse;
import com.google.firestore.v1.BatchWriteRequest;
import com.google.firestore.v1.BatchWriteResponse;
import com.google.firestore.v1.CommitRequest;
import com.google.firestore.v1.DocumentMask;
import com.google.firestore.v1.Write;
import com.google.rpc.Status;
import dev.escalera.batch.BatchException;
import dev.escalera.batch.internal.Reply;
import io.grpc.Status.Code;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** Makes calls of writes, and replies of what Firestore answers. */
final class Commits {
  /** Answers that leave it open whether the write was applied. */
  private static final Set<Code> OPEN =
      Set.of(
          Code.UNKNOWN,
          Code.CANCELLED,
          Code.DEADLINE_EXCEEDED,
          Code.INTERNAL,
          Code.UNAVAILABLE,
          Code.DATA_LOSS);

  /** Answers that say that there is too much to do, and that the write was not applied. */
  private static final Set<Code> OVERLOADED = Set.of(Code.ABORTED, Code.RESOURCE_EXHAUSTED);

  /** Answers to a commit that mean one of its writes. */
  private static final Set<Code> OF_ONE =
      Set.of(Code.ALREADY_EXISTS, Code.NOT_FOUND, Code.FAILED_PRECONDITION, Code.INVALID_ARGUMENT);

  private final FirestoreCalls calls;
  private final String database;

  Commits(FirestoreCalls calls, String database) {
    this.calls = calls;
    this.database = database;
  }

  /** Sends writes that are independent of each other. */
  CompletableFuture<List<Reply>> batchWrite(List<FirestoreTransport.Call> batch) {
    BatchWriteRequest.Builder request = BatchWriteRequest.newBuilder().setDatabase(database);
    batch.forEach(call -> request.addAllWrites(call.writes()));
    return calls
        .batchWrite(request.build())
        .thenApply(response -> replies(batch.size(), response))
        .exceptionally(failure -> same(batch.size(), failed(failure, true)));
  }

  /** Commits effects with their ledgers; those whose ledger is there already had their effect. */
  CompletableFuture<List<Reply>> commitKeyed(List<FirestoreTransport.Call> batch) {
    return commit(batch)
        .thenApply(done -> same(batch.size(), Reply.APPLIED))
        .exceptionallyCompose(
            failure ->
                FirestoreLink.status(failure) == Code.ALREADY_EXISTS
                    ? withoutThoseBefore(batch, failure)
                    : CompletableFuture.completedFuture(same(batch.size(), failed(failure, true))));
  }

  /** Commits operations that go together. */
  CompletableFuture<Reply> commitAtomic(FirestoreTransport.Call group) {
    return commit(List.of(group))
        .thenApply(done -> Reply.APPLIED)
        .exceptionallyCompose(
            failure ->
                FirestoreLink.status(failure) == Code.ALREADY_EXISTS && !group.ledgers().isEmpty()
                    ? existing(group.ledgers()).thenApply(found -> ofGroup(group, found, failure))
                    : CompletableFuture.completedFuture(failed(failure, false)))
        .exceptionally(failure -> failed(failure, false));
  }

  void close() {
    calls.close();
  }

  private CompletableFuture<?> commit(List<FirestoreTransport.Call> batch) {
    CommitRequest.Builder request = CommitRequest.newBuilder().setDatabase(database);
    for (FirestoreTransport.Call call : batch) {
      request.addAllWrites(call.ledgers()).addAllWrites(call.writes());
    }
    return calls.commit(request.build());
  }

  private CompletableFuture<List<Reply>> withoutThoseBefore(
      List<FirestoreTransport.Call> batch, Throwable failure) {
    List<Write> ledgers = batch.stream().map(call -> call.ledgers().get(0)).toList();
    return existing(ledgers)
        .thenCompose(found -> commitRest(batch, found, failure))
        // What was not read is not known, but the commit did nothing.
        .exceptionally(e -> same(batch.size(), Reply.notApplied(said(FirestoreLink.unwrap(e)))));
  }

  private CompletableFuture<List<Reply>> commitRest(
      List<FirestoreTransport.Call> batch, Set<String> found, Throwable failure) {
    if (found.isEmpty()) {
      // A document that shall be made exists.
      return CompletableFuture.completedFuture(same(batch.size(), failed(failure, true)));
    }
    List<FirestoreTransport.Call> rest =
        batch.stream().filter(call -> !found.contains(ledgerName(call))).toList();
    CompletableFuture<List<Reply>> sent =
        rest.isEmpty() ? CompletableFuture.completedFuture(List.of()) : commitKeyed(rest);
    return sent.thenApply(
        replies -> {
          List<Reply> all = new ArrayList<>(batch.size());
          int next = 0;
          for (FirestoreTransport.Call call : batch) {
            all.add(found.contains(ledgerName(call)) ? Reply.ALREADY_APPLIED : replies.get(next++));
          }
          return all;
        });
  }

  private static Reply ofGroup(
      FirestoreTransport.Call group, Set<String> found, Throwable failure) {
    if (found.size() == group.ledgers().size()) {
      return Reply.ALREADY_APPLIED;
    }
    return found.isEmpty()
        ? failed(failure, false)
        : Reply.refused(
            new BatchException(
                "some of the writes were applied before, others not: " + found.size(), null));
  }

  /** Which of the ledgers there are. */
  private CompletableFuture<Set<String>> existing(List<Write> ledgers) {
    BatchGetDocumentsRequest.Builder request =
        BatchGetDocumentsRequest.newBuilder()
            .setDatabase(database)
            .setMask(DocumentMask.getDefaultInstance());
    ledgers.forEach(ledger -> request.addDocuments(ledger.getUpdate().getName()));
    return calls
        .batchGet(request.build())
        .thenApply(
            responses -> {
              Set<String> found = new HashSet<>();
              for (BatchGetDocumentsResponse response : responses) {
                if (response.hasFound()) {
                  found.add(response.getFound().getName());
                }
              }
              return found;
            });
  }

  private static String ledgerName(FirestoreTransport.Call call) {
    return call.ledgers().get(0).getUpdate().getName();
  }

  private static List<Reply> replies(int size, BatchWriteResponse response) {
    List<Reply> replies = new ArrayList<>(size);
    for (int i = 0; i < Math.min(size, response.getStatusCount()); i++) {
      Status status = response.getStatus(i);
      Code code = io.grpc.Status.fromCodeValue(status.getCode()).getCode();
      replies.add(
          code == Code.OK
              ? Reply.APPLIED
              : reply(code, new BatchException(code + ": " + status.getMessage(), null), false));
    }
    return replies;
  }

  private static Reply failed(Throwable failure, boolean divisible) {
    Throwable cause = FirestoreLink.unwrap(failure);
    if (cause instanceof FirestoreLink.NotSentException) {
      return Reply.notApplied(said(cause));
    }
    Code code = FirestoreLink.status(cause);
    // A request that is too large for someone on the way is no sign of overload.
    boolean tooLarge =
        code == Code.RESOURCE_EXHAUSTED
            && String.valueOf(cause.getMessage()).contains("larger than");
    return reply(tooLarge ? Code.INVALID_ARGUMENT : code, said(cause), divisible);
  }

  private static Reply reply(Code code, Throwable cause, boolean divisible) {
    if (OVERLOADED.contains(code)) {
      return Reply.overloaded(cause);
    }
    if (OPEN.contains(code)) {
      return Reply.unknown(cause);
    }
    return divisible && OF_ONE.contains(code) ? Reply.refusedTogether(cause) : Reply.refused(cause);
  }

  private static BatchException said(Throwable cause) {
    return new BatchException("Firestore: " + cause.getMessage(), cause);
  }

  private static List<Reply> same(int size, Reply reply) {
    List<Reply> replies = new ArrayList<>(size);
    for (int i = 0; i < size; i++) {
      replies.add(reply);
    }
    return replies;
  }
}
