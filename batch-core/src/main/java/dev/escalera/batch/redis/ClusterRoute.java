package dev.escalera.batch.redis;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.models.partitions.RedisClusterNode;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The servers of a cluster by slot, each with a connection of our own. The client of the host knows
 * the topology; it is asked again when a server says that a slot has moved, or does not answer.
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
  private record Opened(RedisClient client, Server server) {
    void close() {
      server.fences().close();
      server.link().close();
      // The threads are the host's and stay.
      client.shutdownAsync();
    }
  }

  ClusterRoute(RedisClusterClient cluster, String name, Duration deadline, int maxCalls) {
    this.cluster = cluster;
    this.name = name;
    this.deadline = deadline;
    this.maxCalls = maxCalls;
  }

  @Override
  public CompletableFuture<Server> server(int slot) {
    return open(
        () -> Optional.ofNullable(cluster.getPartitions().getPartitionBySlot(slot)),
        "no server has slot " + slot);
  }

  @Override
  public CompletableFuture<Server> server(String host, int port) {
    return open(() -> node(host, port), "no server is known at " + host + ":" + port);
  }

  @Override
  public boolean isCluster() {
    return true;
  }

  @Override
  public void suspect() {
    refresh();
  }

  @Override
  public void close() {
    servers.values().forEach(Opened::close);
  }

  private CompletableFuture<Server> open(
      Supplier<Optional<RedisClusterNode>> known, String otherwise) {
    Optional<RedisClusterNode> node = known.get();
    if (node.isPresent()) {
      return open(node.get().getUri());
    }
    return refresh()
        .thenCompose(
            refreshed ->
                known
                    .get()
                    .map(found -> open(found.getUri()))
                    .orElseGet(
                        () ->
                            CompletableFuture.failedFuture(new IllegalStateException(otherwise))));
  }

  private CompletableFuture<Server> open(RedisURI uri) {
    String key = key(uri);
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
    return new Opened(client, new Server(link, new Fences(link, () -> isDeposed(uri))));
  }

  /**
   * Whether a server has no slots any more: another one has taken its place, and what it may still
   * execute is thrown away when it joins again.
   */
  private boolean isDeposed(RedisURI uri) {
    refresh();
    return node(uri.getHost(), uri.getPort())
        .filter(node -> node.is(RedisClusterNode.NodeFlag.UPSTREAM) && !node.hasNoSlots())
        .isEmpty();
  }

  private Optional<RedisClusterNode> node(String host, int port) {
    return cluster.getPartitions().stream()
        .filter(node -> node.getUri().getHost().equals(host) && node.getUri().getPort() == port)
        .findFirst();
  }

  private static String key(RedisURI uri) {
    return uri.getHost() + ":" + uri.getPort();
  }

  /** Closes what leads to servers that have left. */
  private void prune() {
    Set<String> present = new HashSet<>();
    cluster.getPartitions().forEach(node -> present.add(key(node.getUri())));
    servers
        .entrySet()
        .removeIf(
            entry -> {
              boolean left = !present.contains(entry.getKey());
              if (left) {
                // It waits a little.
                CompletableFuture.runAsync(entry.getValue()::close);
              }
              return left;
            });
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
                prune();
                mine.complete(null);
              } else {
                mine.completeExceptionally(failure);
              }
            });
    return mine;
  }
}
