package dev.escalera.sharding.local;

import dev.escalera.sharding.Document;
import dev.escalera.sharding.Order;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.internal.After;
import dev.escalera.sharding.internal.Bucket;
import dev.escalera.sharding.internal.BucketStore;
import dev.escalera.sharding.internal.LexRange;
import dev.escalera.sharding.internal.Plan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Buckets in memory: the documents, and a sorted map an index, as in Redis. */
final class LocalBuckets implements BucketStore {
  private final Map<Bucket, Contents> buckets = new ConcurrentHashMap<>();
  private volatile byte @Nullable [] secret;

  /** One bucket; guarded by itself, and never for longer than a look-up. */
  private static final class Contents {
    final Map<String, Document> documents = new HashMap<>();
    final Map<List<Order>, TreeMap<byte[], Document>> indexes = new HashMap<>();
  }

  @Override
  public CompletableFuture<Void> register(Collection<Bucket> made) {
    made.forEach(bucket -> buckets.computeIfAbsent(bucket, key -> new Contents()));
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public CompletableFuture<List<String>> buckets(String collection) {
    return CompletableFuture.completedFuture(
        buckets.keySet().stream()
            .filter(bucket -> bucket.collection().equals(collection))
            .map(Bucket::name)
            .toList());
  }

  @Override
  public CompletableFuture<Void> put(ShardedCollection collection, Placed placed) {
    Contents contents = contents(placed.bucket());
    synchronized (contents) {
      replace(collection, contents, placed.document().id(), placed.document());
    }
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public CompletableFuture<List<Optional<Throwable>>> putAll(
      ShardedCollection collection, List<Placed> placed) {
    List<Optional<Throwable>> failures = new ArrayList<>();
    for (Placed each : placed) {
      Contents contents = contents(each.bucket());
      synchronized (contents) {
        replace(collection, contents, each.document().id(), each.document());
      }
      failures.add(Optional.empty());
    }
    return CompletableFuture.completedFuture(failures);
  }

  @Override
  public CompletableFuture<Optional<Document>> get(Bucket bucket, String id) {
    Contents contents = contents(bucket);
    synchronized (contents) {
      return CompletableFuture.completedFuture(Optional.ofNullable(contents.documents.get(id)));
    }
  }

  @Override
  public CompletableFuture<Optional<Document>> update(
      ShardedCollection collection, Bucket bucket, String id, UnaryOperator<Document> change) {
    Contents contents = contents(bucket);
    while (true) {
      Document before;
      synchronized (contents) {
        before = contents.documents.get(id);
      }
      if (before == null) {
        return CompletableFuture.completedFuture(Optional.empty());
      }
      Document after;
      try {
        // The host's code runs outside the lock.
        after = change.apply(before);
      } catch (RuntimeException e) {
        return CompletableFuture.failedFuture(e);
      }
      synchronized (contents) {
        // The very object, not one that equals it: no one wrote in between.
        if (isSame(contents.documents.get(id), before)) {
          replace(collection, contents, id, after);
          return CompletableFuture.completedFuture(Optional.of(after));
        }
      }
    }
  }

  @Override
  public CompletableFuture<Void> delete(ShardedCollection collection, Bucket bucket, String id) {
    Contents contents = contents(bucket);
    synchronized (contents) {
      replace(collection, contents, id, null);
    }
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public CompletableFuture<List<Document>> query(
      Bucket bucket, Plan plan, Optional<After> after, int limit) {
    LexRange range = plan.range(after);
    Contents contents = contents(bucket);
    synchronized (contents) {
      TreeMap<byte[], Document> index = contents.indexes.get(plan.index());
      if (index == null || range.isEmpty()) {
        return CompletableFuture.completedFuture(List.of());
      }
      NavigableMap<byte[], Document> part = index.tailMap(range.min(), true);
      byte[] max = range.max();
      if (max != null) {
        part = part.headMap(max, false);
      }
      return CompletableFuture.completedFuture(
          (plan.reversed() ? part.descendingMap() : part).values().stream().limit(limit).toList());
    }
  }

  @Override
  public CompletableFuture<Long> count(Bucket bucket) {
    Contents contents = contents(bucket);
    synchronized (contents) {
      return CompletableFuture.completedFuture((long) contents.documents.size());
    }
  }

  @Override
  public synchronized CompletableFuture<byte[]> secret(byte[] proposed) {
    byte[] known = secret == null ? proposed : secret;
    secret = known;
    return CompletableFuture.completedFuture(known);
  }

  @Override
  public void close() {
    buckets.clear();
  }

  /** Returns the contents of a bucket; if it was not registered, empty ones that are not kept. */
  private Contents contents(Bucket bucket) {
    return buckets.getOrDefault(bucket, new Contents());
  }

  @SuppressWarnings(
      "ReferenceEquality") // A document that was replaced by an equal one was replaced all the
  // same.
  private static boolean isSame(@Nullable Document one, Document other) {
    return one == other;
  }

  private static void replace(
      ShardedCollection collection, Contents contents, String id, @Nullable Document document) {
    Document before =
        document == null ? contents.documents.remove(id) : contents.documents.put(id, document);
    index(contents, List.of(), before, document);
    collection.indexes().forEach(index -> index(contents, index, before, document));
  }

  private static void index(
      Contents contents, List<Order> index, @Nullable Document before, @Nullable Document after) {
    TreeMap<byte[], Document> members =
        contents.indexes.computeIfAbsent(index, key -> new TreeMap<>(Arrays::compareUnsigned));
    if (before != null) {
      Plan.member(index, before).ifPresent(members::remove);
    }
    if (after != null) {
      Plan.member(index, after).ifPresent(member -> members.put(member, after));
    }
  }
}
