package dev.escalera.cache.redis;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.SlotHash;
import io.lettuce.core.cluster.models.partitions.RedisClusterNode;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The servers of a cluster. Keys are spread over a few slots, evenly over the cluster, since one
 * registry is needed for each slot: a script can tell all nodes of a change only through keys of
 * the slot that it is about.
 *
 * <p>Each server has a client of our own on the host's threads and with its options: its
 * connections are to that server alone, so that none of them is revived and nothing is replayed.
 */
final class ClusterServers implements Servers {
  /** For ever: the same on all nodes. */
  private static final int STRIPES = 16;

  private static final long PAUSE_MILLIS = 100;

  private static final String[] TAGS = tags();
  private static final int[] SLOTS = slots();

  private final RedisClusterClient cluster;
  private final CompletableFuture<Void> known = new CompletableFuture<>();
  private final Map<String, RedisClient> clients = new ConcurrentHashMap<>();
  private @Nullable CompletableFuture<Void> refreshing;
  private boolean closed;

  ClusterServers(RedisClusterClient cluster) {
    this.cluster = cluster;
    // The first look at the cluster waits for it.
    Thread thread = new Thread(this::look, "escalera-cache-cluster");
    thread.setDaemon(true);
    thread.start();
  }

  private void look() {
    while (!isClosed()) {
      try {
        cluster.getPartitions();
        known.complete(null);
        return;
      } catch (RuntimeException e) {
        try {
          TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
          known.completeExceptionally(e);
          return;
        }
      }
    }
    known.completeExceptionally(new IllegalStateException("closed"));
  }

  @Override
  public int stripes() {
    return STRIPES;
  }

  @Override
  public String tag(int stripe) {
    return TAGS[stripe];
  }

  @Override
  public CompletableFuture<RedisClient> client(int stripe) {
    return known.thenApply(done -> of(stripe));
  }

  private RedisClient of(int stripe) {
    RedisClusterNode node = cluster.getPartitions().getPartitionBySlot(SLOTS[stripe]);
    if (node == null) {
      throw new CompletionException(
          new IllegalStateException("no server of the cluster has slot " + SLOTS[stripe]));
    }
    if (isClosed()) {
      throw new CompletionException(new IllegalStateException("closed"));
    }
    RedisURI uri = node.getUri();
    return clients.computeIfAbsent(
        uri.getHost() + ":" + uri.getPort(),
        absent -> {
          RedisClient client = RedisClient.create(cluster.getResources(), uri);
          client.setOptions(cluster.getOptions());
          return client;
        });
  }

  @Override
  public CompletableFuture<Void> refresh() {
    CompletableFuture<Void> mine;
    synchronized (this) {
      if (refreshing != null) {
        return refreshing;
      }
      mine = new CompletableFuture<>();
      refreshing = mine;
    }
    known
        .thenCompose(done -> cluster.refreshPartitionsAsync())
        .whenComplete(
            (done, failure) -> {
              if (failure == null) {
                mine.complete(null);
              } else {
                mine.completeExceptionally(failure);
              }
              // Not at once again: many calls fail together.
              CompletableFuture.delayedExecutor(PAUSE_MILLIS, TimeUnit.MILLISECONDS)
                  .execute(() -> forget(mine));
            });
    return mine;
  }

  private synchronized void forget(CompletableFuture<Void> refresh) {
    if (refreshing == refresh) {
      refreshing = null;
    }
  }

  private synchronized boolean isClosed() {
    return closed;
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
    }
    // The threads are the host's and stay.
    clients.values().forEach(RedisClient::shutdownAsync);
  }

  /** For each stripe the smallest number whose slot is in its share of all slots. */
  private static String[] tags() {
    String[] tags = new String[STRIPES];
    int missing = STRIPES;
    for (int number = 0; missing > 0; number++) {
      String tag = "{" + number + "}";
      int stripe = SlotHash.getSlot(tag) * STRIPES / SlotHash.SLOT_COUNT;
      if (tags[stripe] == null) {
        tags[stripe] = tag;
        missing--;
      }
    }
    return tags;
  }

  private static int[] slots() {
    int[] slots = new int[STRIPES];
    for (int i = 0; i < STRIPES; i++) {
      slots[i] = SlotHash.getSlot(TAGS[i]);
    }
    return slots;
  }
}
