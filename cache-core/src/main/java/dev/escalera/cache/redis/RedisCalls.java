package dev.escalera.cache.redis;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.api.StatefulRedisConnection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The calls of one cache, each over the one link that it has to the server of its keys. */
final class RedisCalls implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RedisCalls.class);

  private static final int MAX_IN_FLIGHT = 10_000;
  private static final Duration FIRST_TIMEOUT = Duration.ofSeconds(4);

  private final Servers servers;
  private final String name;
  private final Duration deadline;
  private final Map<RedisClient, CompletableFuture<RedisLink>> links = new ConcurrentHashMap<>();
  private volatile boolean closed;

  RedisCalls(Servers servers, String name, Duration deadline) {
    this.servers = servers;
    this.name = name;
    this.deadline = deadline;
    awaitFirst();
  }

  /**
   * Opens the first connections, for which a call may have too little time in a JVM that has just
   * begun.
   */
  private void awaitFirst() {
    List<CompletableFuture<RedisLink>> first = new ArrayList<>();
    for (int stripe = 0; stripe < servers.stripes(); stripe++) {
      first.add(link(stripe));
    }
    try {
      CompletableFuture.allOf(first.toArray(new CompletableFuture<?>[0]))
          .get(FIRST_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      log.warn("{}: not all of Redis can be reached yet", name, e);
    }
  }

  private CompletableFuture<RedisLink> link(int stripe) {
    return then(servers.client(stripe), this::link);
  }

  private CompletableFuture<RedisLink> link(RedisClient client) {
    CompletableFuture<RedisLink> known = links.get(client);
    if (known == null && closed) {
      return CompletableFuture.failedFuture(new IllegalStateException(name + " is closed"));
    }
    // A link waits for its first connection.
    return known != null
        ? known
        : links.computeIfAbsent(
            client,
            same ->
                CompletableFuture.supplyAsync(
                    () -> new RedisLink(client, name, deadline, MAX_IN_FLIGHT),
                    RedisCalls::inThread));
  }

  private static void inThread(Runnable task) {
    Thread thread = new Thread(task, "escalera-redis-link");
    thread.setDaemon(true);
    thread.start();
  }

  /** Calls the server that has a stripe; once more if it has it no longer. */
  <T> CompletableFuture<T> call(
      int stripe,
      Function<StatefulRedisConnection<byte[], byte[]>, ? extends CompletionStage<T>> command) {
    CompletableFuture<T> result = once(stripe, command);
    return servers.stripes() == 1
        ? result
        : result.exceptionallyCompose(failure -> again(failure, stripe, command));
  }

  private <T> CompletableFuture<T> once(
      int stripe,
      Function<StatefulRedisConnection<byte[], byte[]>, ? extends CompletionStage<T>> command) {
    return then(link(stripe), link -> link.call(command));
  }

  /** Goes on at once if it can, which is nearly always. */
  private static <T, R> CompletableFuture<R> then(
      CompletableFuture<T> first, Function<T, CompletableFuture<R>> next) {
    return first.isDone() && !first.isCompletedExceptionally()
        ? next.apply(first.join())
        : first.thenCompose(next);
  }

  private <T> CompletableFuture<T> again(
      Throwable failure,
      int stripe,
      Function<StatefulRedisConnection<byte[], byte[]>, ? extends CompletionStage<T>> command) {
    Throwable cause = RedisLink.unwrap(failure);
    boolean answered = cause instanceof RedisCommandExecutionException;
    String message = String.valueOf(cause.getMessage());
    if (answered && !message.startsWith("MOVED ") && !message.startsWith("CLUSTERDOWN ")) {
      return CompletableFuture.failedFuture(failure);
    }
    CompletableFuture<Void> refreshed = servers.refresh();
    // What was moved was not carried out. Of what had no answer nobody knows.
    return answered && message.startsWith("MOVED ")
        ? refreshed.thenCompose(done -> once(stripe, command))
        : CompletableFuture.failedFuture(failure);
  }

  /** Returns whether calls are being let through to all servers that have keys. */
  boolean isAvailable() {
    for (int stripe = 0; stripe < servers.stripes(); stripe++) {
      CompletableFuture<RedisLink> link = link(stripe);
      if (!link.isDone() || link.isCompletedExceptionally() || !link.join().isAvailable()) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void close() {
    closed = true;
    Set<CompletableFuture<RedisLink>> all = new HashSet<>(links.values());
    // Links that are still being made close themselves when they are.
    all.forEach(link -> link.thenAccept(RedisLink::close));
  }
}
