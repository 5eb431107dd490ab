package dev.escalera.sharding.redis;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.SlotHash;
import io.lettuce.core.cluster.models.partitions.RedisClusterNode;
import java.io.Serial;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The servers of a cluster by slot, each with a connection of our own. What a server answers
 * instead of running a command, since the slot is elsewhere or on its way, is waited for: the
 * topology is asked again, and the command sent again, until the deadline.
 */
final class ClusterRoute implements Route {
  private static final Pattern NOT_RUN =
      Pattern.compile("(^|: )(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|READONLY|LOADING|MASTERDOWN) ");
  private static final long MAX_PAUSE_MILLIS = 200;

  private final RedisClusterClient cluster;
  private final String name;
  private final Duration deadline;
  private final int maxInFlight;
  private final Map<String, Opened> servers = new ConcurrentHashMap<>();
  private final AtomicReference<@Nullable CompletableFuture<Void>> refreshing =
      new AtomicReference<>();

  /** A server with the client that its connection is of. */
  private record Opened(RedisClient client, RedisLink link) {}

  ClusterRoute(RedisClusterClient cluster, String name, Duration deadline, int maxInFlight) {
    this.cluster = cluster;
    this.name = name;
    this.deadline = deadline;
    this.maxInFlight = maxInFlight;
  }

  @Override
  public <T> CompletableFuture<T> call(
      String key,
      Function<RedisAsyncCommands<byte[], byte[]>, ? extends CompletionStage<T>> command) {
    return call(SlotHash.getSlot(key), command, System.nanoTime() + deadline.toNanos(), 1);
  }

  @Override
  public boolean isTogether(String key, String other) {
    return SlotHash.getSlot(key) == SlotHash.getSlot(other);
  }

  @Override
  public void close() {
    servers
        .values()
        .forEach(
            opened -> {
              opened.link.close();
              // The threads are the host's and stay.
              opened.client.shutdownAsync();
            });
  }

  private <T> CompletableFuture<T> call(
      int slot,
      Function<RedisAsyncCommands<byte[], byte[]>, ? extends CompletionStage<T>> command,
      long end,
      int attempt) {
    return server(slot)
        .thenCompose(link -> link.call(redis -> command.apply(redis.async())))
        .exceptionallyCompose(
            failure ->
                isNotRun(RedisLink.unwrap(failure)) && System.nanoTime() - end < 0
                    ? refresh()
                        .handle((done, ignored) -> attempt)
                        .thenCompose(ClusterRoute::pause)
                        .thenCompose(paused -> call(slot, command, end, attempt + 1))
                    : CompletableFuture.failedFuture(failure));
  }

  private static boolean isNotRun(Throwable failure) {
    // A call that there is no room for, or that the breaker refuses, is not to wait here.
    return (failure instanceof RedisLink.NotSentException && failure.getCause() != null)
        || failure instanceof NoServerException
        || (failure instanceof RedisCommandExecutionException
            && NOT_RUN.matcher(String.valueOf(failure.getMessage())).find());
  }

  /** No server is known to have a slot. */
  private static final class NoServerException extends RuntimeException {
    @Serial private static final long serialVersionUID = 1L;

    NoServerException(int slot) {
      super("no server has slot " + slot);
    }
  }

  private static CompletableFuture<Void> pause(int attempt) {
    long millis = Math.min(MAX_PAUSE_MILLIS, 1L << Math.min(attempt, 8));
    return CompletableFuture.runAsync(
        () -> {}, CompletableFuture.delayedExecutor(millis, TimeUnit.MILLISECONDS));
  }

  private CompletableFuture<RedisLink> server(int slot) {
    RedisClusterNode known = cluster.getPartitions().getPartitionBySlot(slot);
    if (known != null) {
      return open(known.getUri());
    }
    return refresh()
        .thenCompose(
            refreshed -> {
              RedisClusterNode node = cluster.getPartitions().getPartitionBySlot(slot);
              return node == null
                  ? CompletableFuture.failedFuture(new NoServerException(slot))
                  : open(node.getUri());
            });
  }

  private CompletableFuture<RedisLink> open(RedisURI uri) {
    String key = uri.getHost() + ":" + uri.getPort();
    Opened opened = servers.get(key);
    if (opened != null) {
      return CompletableFuture.completedFuture(opened.link);
    }
    // A link waits for its first connection.
    return CompletableFuture.supplyAsync(
        () -> servers.computeIfAbsent(key, absent -> connect(uri)).link);
  }

  private Opened connect(RedisURI uri) {
    RedisClient client = RedisClient.create(cluster.getResources(), uri);
    return new Opened(client, new RedisLink(client, name, deadline, maxInFlight));
  }

  private CompletableFuture<Void> refresh() {
    CompletableFuture<Void> mine = new CompletableFuture<>();
    while (true) {
      CompletableFuture<Void> other = refreshing.compareAndExchange(null, mine);
      if (other == null) {
        break;
      }
      if (!other.isDone()) {
        return other;
      }
      refreshing.compareAndSet(other, null);
    }
    cluster
        .refreshPartitionsAsync()
        .whenComplete(
            (done, failure) -> {
              refreshing.compareAndSet(mine, null);
              if (failure == null) {
                mine.complete(null);
              } else {
                mine.completeExceptionally(failure);
              }
            });
    return mine;
  }
}
