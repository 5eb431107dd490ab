package dev.escalera.batch.redis;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.internal.Reply;
import io.lettuce.core.api.StatefulRedisConnection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Sends a batch as one pipeline a server, and makes sense of the answers. */
final class Sender {
  /** At the start, or where Redis before 7 puts it when a command of a script was refused. */
  private static final Pattern PASSING =
      Pattern.compile(
          "(^|-|: )(OOM|BUSY|READONLY|MASTERDOWN|LOADING|NOSCRIPT|TRYAGAIN|CLUSTERDOWN|MOVED|ASK) ");

  private static final Pattern MOVED = Pattern.compile("^MOVED ");

  private final Route route;

  Sender(Route route) {
    this.route = route;
  }

  CompletableFuture<List<Reply>> send(List<Call> batch) {
    if (!route.isCluster()) {
      return route.server(0).thenCompose(server -> send(server, batch));
    }
    Map<Integer, List<Integer>> bySlot = new LinkedHashMap<>();
    for (int i = 0; i < batch.size(); i++) {
      bySlot.computeIfAbsent(batch.get(i).slot(), slot -> new ArrayList<>()).add(i);
    }
    return byServer(bySlot).thenCompose(places -> sendAll(batch, places));
  }

  void close() {
    route.close();
  }

  /** Which calls go to which server; those under null to none that is known. */
  private CompletableFuture<Map<Optional<Route.Server>, List<Integer>>> byServer(
      Map<Integer, List<Integer>> bySlot) {
    CompletableFuture<Map<Optional<Route.Server>, List<Integer>>> all =
        CompletableFuture.completedFuture(new LinkedHashMap<>());
    for (Map.Entry<Integer, List<Integer>> slot : bySlot.entrySet()) {
      CompletableFuture<Optional<Route.Server>> server =
          route.server(slot.getKey()).handle((found, failure) -> Optional.ofNullable(found));
      all =
          all.thenCombine(
              server,
              (places, found) -> {
                places.computeIfAbsent(found, none -> new ArrayList<>()).addAll(slot.getValue());
                return places;
              });
    }
    return all;
  }

  private CompletableFuture<List<Reply>> sendAll(
      List<Call> batch, Map<Optional<Route.Server>, List<Integer>> places) {
    Reply[] replies = new Reply[batch.size()];
    List<CompletableFuture<Void>> parts = new ArrayList<>();
    places.forEach(
        (server, indices) -> {
          List<Call> part = indices.stream().map(batch::get).toList();
          CompletableFuture<List<Reply>> sent =
              server.isPresent() ? send(server.get(), part) : nowhere(part);
          parts.add(
              sent.thenAccept(
                  answers -> {
                    for (int i = 0; i < answers.size(); i++) {
                      replies[indices.get(i)] = answers.get(i);
                    }
                  }));
        });
    return CompletableFuture.allOf(parts.toArray(CompletableFuture<?>[]::new))
        .thenApply(all -> Arrays.asList(replies));
  }

  private static CompletableFuture<List<Reply>> nowhere(List<Call> part) {
    Reply reply = Reply.notApplied(new BatchException("no server has the slot", null));
    return CompletableFuture.completedFuture(part.stream().map(call -> reply).toList());
  }

  private CompletableFuture<List<Reply>> send(Route.Server server, List<Call> calls) {
    Pipeline pipeline = new Pipeline(calls, !route.isCluster());
    Sending sending = new Sending();
    return server
        .link()
        .call(redis -> write(server.fences(), pipeline, sending, redis))
        .handle((sent, failure) -> replies(server.fences(), pipeline, sending, calls, failure));
  }

  private static CompletableFuture<Boolean> write(
      Fences fences,
      Pipeline pipeline,
      Sending sending,
      StatefulRedisConnection<byte[], byte[]> redis) {
    return fences
        .identify(redis)
        .thenCompose(
            identity -> {
              sending.identity = identity;
              return pipeline.writeTo(redis);
            });
  }

  private List<Reply> replies(
      Fences fences,
      Pipeline pipeline,
      Sending sending,
      List<Call> calls,
      @Nullable Throwable failure) {
    List<Reply> replies = new ArrayList<>(calls.size());
    Reply lost = null;
    for (int i = 0; i < calls.size(); i++) {
      Pipeline.Answer answer = pipeline.answer(i);
      if (answer.answered()) {
        replies.add(reply(answer, pipeline.isShared(i)));
      } else {
        lost = lost == null ? lost(fences, pipeline, sending, failure) : lost;
        replies.add(lost);
      }
    }
    return replies;
  }

  private Reply reply(Pipeline.Answer answer, boolean shared) {
    String error = answer.error();
    if (error == null) {
      return answer.value() == 2 ? Reply.ALREADY_APPLIED : Reply.APPLIED;
    }
    BatchException cause = new BatchException(error, null);
    // Errors that pass come before the script has written: its first write is one that Redis may
    // refuse.
    if (PASSING.matcher(error).find()) {
      if (MOVED.matcher(error).find()) {
        route.moved();
      }
      return Reply.notApplied(cause);
    }
    return shared ? Reply.refusedTogether(cause) : Reply.refused(cause);
  }

  /** What to say of calls without an answer. */
  private static Reply lost(
      Fences fences, Pipeline pipeline, Sending sending, @Nullable Throwable failure) {
    Throwable cause =
        failure == null ? new TimeoutException("no answer") : RedisLink.unwrap(failure);
    BatchException said = new BatchException("no answer from Redis: " + cause.getMessage(), cause);
    if (!pipeline.isWritten()) {
      return Reply.notApplied(said);
    }
    return sending
        .identity
        .map(identity -> Reply.unknown(said, fences.fence(identity)))
        .orElseGet(() -> Reply.unknown(said));
  }

  /** On which connection a pipeline was written. */
  private static final class Sending {
    volatile Optional<Fences.Identity> identity = Optional.empty();
  }
}
