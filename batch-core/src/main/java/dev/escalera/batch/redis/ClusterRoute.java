package dev.escalera.batch.redis;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.models.partitions.RedisClusterNode;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The servers of a cluster by slot, each with a connection of our own. The client of the host knows
 * the topology; it is asked again when a server says that a slot has moved.
 */
final class ClusterRoute implements Route {
  private final RedisClusterClient cluster;
  private final String name;
  private final Duration deadline;
  private final int maxCalls;
  private final Map<String, Opened> servers = new ConcurrentHashMap<>();
  private final AtomicReference<@Nullable CompletableFuture<Void>> refreshing =
      new AtomicReference<>();

  /** A server with the client that its connection is of. */
  private record Opened(RedisClient client, Server server) {}

  ClusterRoute(RedisClusterClient cluster, String name, Duration deadline, int maxCalls) {
    this.cluster = cluster;
    this.name = name;
    this.deadline = deadline;
    this.maxCalls = maxCalls;
  }

  @Override
  public CompletableFuture<Server> server(int slot) {
    RedisClusterNode known = cluster.getPartitions().getPartitionBySlot(slot);
    if (known != null) {
      return open(known.getUri());
    }
    return refresh()
        .thenCompose(
            refreshed -> {
              RedisClusterNode node = cluster.getPartitions().getPartitionBySlot(slot);
              return node == null
                  ? CompletableFuture.failedFuture(
                      new IllegalStateException("no server has slot " + slot))
                  : open(node.getUri());
            });
  }

  @Override
  public boolean isCluster() {
    return true;
  }

  @Override
  public void moved() {
    refresh();
  }

  @Override
  public void close() {
    servers
        .values()
        .forEach(
            opened -> {
              opened.server.fences().close();
              opened.server.link().close();
              // The threads are the host's and stay.
              opened.client.shutdownAsync();
            });
  }

  private CompletableFuture<Server> open(RedisURI uri) {
    String key = uri.getHost() + ":" + uri.getPort();
    Opened opened = servers.get(key);
    if (opened != null) {
      return CompletableFuture.completedFuture(opened.server);
    }
    // A link waits for its first connection.
    return CompletableFuture.supplyAsync(
        () -> servers.computeIfAbsent(key, absent -> connect(uri)).server);
  }

  private Opened connect(RedisURI uri) {
    RedisClient client = RedisClient.create(cluster.getResources(), uri);
    RedisLink link = new RedisLink(client, name, deadline, maxCalls);
    return new Opened(client, new Server(link, new Fences(link)));
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
