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
          "(^|-|: )(OOM|BUSY|READONLY|MASTERDOWN|LOADING|NOSCRIPT|TRYAGAIN|CLUSTERDOWN|MOVED|ASK)"
              + " ");

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
    Sending sending = new Sending(server, new Pipeline(calls, !route.isCluster(), false));
    return write(sending)
        .thenCompose(
            failure -> {
              List<Reply> replies = replies(sending, calls.size(), failure.orElse(null));
              return route.isCluster()
                  ? follow(sending, calls, replies)
                  : CompletableFuture.completedFuture(replies);
            });
  }

  /**
   * Sends at once what was turned away to the servers that were named, but only once: while slots
   * move, what is turned away again is sent again later.
   */
  private CompletableFuture<List<Reply>> follow(
      Sending sending, List<Call> calls, List<Reply> replies) {
    Map<Redirection, List<Integer>> elsewhere = new LinkedHashMap<>();
    for (int i = 0; i < calls.size(); i++) {
      int index = i;
      Redirection.of(sending.pipeline.answer(i).error())
          .ifPresent(
              there -> elsewhere.computeIfAbsent(there, none -> new ArrayList<>()).add(index));
    }
    if (elsewhere.keySet().stream().anyMatch(there -> !there.asking())) {
      route.suspect();
    }
    List<CompletableFuture<Void>> parts = new ArrayList<>();
    elsewhere.forEach(
        (there, indices) -> {
          List<Call> part = indices.stream().map(calls::get).toList();
          parts.add(
              redirect(there, part)
                  .thenAccept(
                      answers -> {
                        for (int i = 0; i < answers.size(); i++) {
                          replies.set(indices.get(i), answers.get(i));
                        }
                      }));
        });
    return CompletableFuture.allOf(parts.toArray(CompletableFuture<?>[]::new))
        .thenApply(all -> replies);
  }

  private CompletableFuture<List<Reply>> redirect(Redirection there, List<Call> part) {
    return route
        .server(there.host(), there.port())
        .handle((server, unknown) -> Optional.ofNullable(server))
        .thenCompose(
            server -> server.isPresent() ? once(server.get(), part, there) : nowhere(part));
  }

  private CompletableFuture<List<Reply>> once(
      Route.Server server, List<Call> part, Redirection there) {
    Sending sending = new Sending(server, new Pipeline(part, false, there.asking()));
    return write(sending).thenApply(failure -> replies(sending, part.size(), failure.orElse(null)));
  }

  /** Writes a pipeline; completes with why some of it has no answer, if so. */
  private static CompletableFuture<Optional<Throwable>> write(Sending sending) {
    return sending
        .server
        .link()
        .call(redis -> sending.writeTo(redis))
        .handle((sent, failure) -> Optional.ofNullable(failure));
  }

  private List<Reply> replies(Sending sending, int size, @Nullable Throwable failure) {
    List<Reply> replies = new ArrayList<>(size);
    Reply lost = null;
    for (int i = 0; i < size; i++) {
      Pipeline.Answer answer = sending.pipeline.answer(i);
      if (answer.answered()) {
        replies.add(reply(answer, sending.pipeline.isShared(i)));
      } else {
        lost = lost == null ? lost(sending, failure) : lost;
        replies.add(lost);
      }
    }
    return replies;
  }

  private static Reply reply(Pipeline.Answer answer, boolean shared) {
    String error = answer.error();
    if (error == null) {
      return answer.value() == 2 ? Reply.ALREADY_APPLIED : Reply.APPLIED;
    }
    BatchException cause = new BatchException(error, null);
    // Errors that pass come before the script has written: its first write is one that Redis may
    // refuse.
    if (PASSING.matcher(error).find()) {
      return Reply.notApplied(cause);
    }
    return shared ? Reply.refusedTogether(cause) : Reply.refused(cause);
  }

  /** What to say of calls without an answer. */
  private Reply lost(Sending sending, @Nullable Throwable failure) {
    // Perhaps another has taken its place.
    route.suspect();
    Throwable cause =
        failure == null ? new TimeoutException("no answer") : RedisLink.unwrap(failure);
    BatchException said = new BatchException("no answer from Redis: " + cause.getMessage(), cause);
    if (!sending.pipeline.isWritten()) {
      return Reply.notApplied(said);
    }
    Fences fences = sending.server.fences();
    return sending
        .identity
        .map(identity -> Reply.unknown(said, fences.fence(identity)))
        .orElseGet(() -> Reply.unknown(said));
  }

  /** A pipeline for a server, and on which connection it was written. */
  private static final class Sending {
    final Route.Server server;
    final Pipeline pipeline;
    volatile Optional<Fences.Identity> identity = Optional.empty();

    Sending(Route.Server server, Pipeline pipeline) {
      this.server = server;
      this.pipeline = pipeline;
    }

    CompletableFuture<Boolean> writeTo(StatefulRedisConnection<byte[], byte[]> redis) {
      return server
          .fences()
          .identify(redis)
          .thenCompose(
              found -> {
                identity = found;
                return pipeline.writeTo(redis);
              });
    }
  }
}
