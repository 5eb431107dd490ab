package dev.escalera.sharding.internal;

import dev.escalera.sharding.Direction;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.DocumentResult;
import dev.escalera.sharding.Page;
import dev.escalera.sharding.Partition;
import dev.escalera.sharding.PartitionKey;
import dev.escalera.sharding.ShardQuery;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.ShardingException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The router itself, over any store. */
public final class Router implements ShardRouter {
  private static final int SECRET_BYTES = 32;

  /** How many buckets one page may ask. */
  private static final int MAX_BUCKETS = 4_096;

  /** How many partitions are asked at once when the first ones have too little. */
  private static final int MAX_WAVE = 64;

  /** And how many buckets, if one partition does not have more. */
  private static final int MAX_WAVE_BUCKETS = 512;

  private final String name;
  private final BucketStore store;
  private final Map<String, Routed> collections = new LinkedHashMap<>();
  private volatile @Nullable CompletableFuture<byte[]> secret;
  private volatile boolean closed;

  private record Routed(ShardedCollection collection, Routing routing, Catalog catalog) {}

  /** Throws IllegalStateException if there is no collection, or two of one name. */
  public Router(String name, Collection<ShardedCollection> collections, BucketStore store) {
    this.name = name;
    this.store = store;
    if (collections.isEmpty()) {
      throw new IllegalStateException("no collection was given, expected at least one");
    }
    for (ShardedCollection collection : collections) {
      Catalog catalog = new Catalog(collection.name(), store, System::nanoTime);
      if (this.collections.put(
              collection.name(), new Routed(collection, new Routing(collection), catalog))
          != null) {
        throw new IllegalStateException("collection \"" + collection.name() + "\" was given twice");
      }
    }
  }

  @Override
  public CompletionStage<Void> putAsync(String collection, Document document) {
    Routed routed = routed(collection);
    Bucket bucket = routed.routing().bucket(Objects.requireNonNull(document, "document"));
    return handedOver(
        "put " + path(bucket, document.id()),
        () ->
            routed
                .catalog()
                .ensure(List.of(bucket))
                .thenCompose(
                    known ->
                        store.put(routed.collection(), new BucketStore.Placed(bucket, document))));
  }

  @Override
  public CompletionStage<Optional<Document>> getAsync(
      String collection, PartitionKey key, String id) {
    Bucket bucket = routed(collection).routing().bucket(key, Document.of(id, Map.of()).id());
    return handedOver("get " + path(bucket, id), () -> store.get(bucket, id));
  }

  @Override
  public CompletionStage<Optional<Document>> updateAsync(
      String collection, PartitionKey key, String id, UnaryOperator<Document> change) {
    Routed routed = routed(collection);
    Objects.requireNonNull(change, "change");
    Bucket bucket = routed.routing().bucket(key, Document.of(id, Map.of()).id());
    return handedOver(
        "update " + path(bucket, id),
        () ->
            store.update(
                routed.collection(),
                bucket,
                id,
                document -> unmoved(routed, bucket, id, change.apply(document))));
  }

  @Override
  public CompletionStage<Void> deleteAsync(String collection, PartitionKey key, String id) {
    Routed routed = routed(collection);
    Bucket bucket = routed.routing().bucket(key, Document.of(id, Map.of()).id());
    return handedOver(
        "delete " + path(bucket, id), () -> store.delete(routed.collection(), bucket, id));
  }

  @Override
  public CompletionStage<List<DocumentResult>> writeAllAsync(
      String collection, List<Document> documents) {
    Routed routed = routed(collection);
    BulkPut bulk = new BulkPut(routed.routing(), documents);
    return handedOver(
        "write to " + collection,
        () ->
            routed
                .catalog()
                .ensure(bulk.buckets())
                .thenCompose(known -> store.putAll(routed.collection(), bulk.placed()))
                .handle((failures, failure) -> bulk.results(failures, failure)));
  }

  @Override
  public CompletionStage<Page> queryAsync(ShardQuery query) {
    Routed routed = routed(query.collection());
    Plan plan = Plan.of(routed.collection(), query);
    return handedOver(
        "query " + query.collection(),
        () ->
            secret()
                .thenCompose(
                    key -> {
                      Optional<Cursor> cursor =
                          query.cursor().map(token -> Cursor.verify(token, query, key));
                      return routed
                          .routing()
                          .named(query)
                          .map(CompletableFuture::completedFuture)
                          .orElseGet(() -> routed.catalog().buckets())
                          .thenCompose(buckets -> page(routed, plan, query, cursor, buckets, key));
                    }));
  }

  @Override
  public CompletionStage<List<Partition>> partitionsAsync(String collection) {
    Routed routed = routed(collection);
    return handedOver(
        "list the partitions of " + collection,
        () -> routed.catalog().buckets().thenCompose(this::counted));
  }

  @Override
  public String locate(String collection, Document document) {
    return routed(collection).routing().bucket(document).name();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      store.close();
    }
  }

  private Routed routed(String collection) {
    if (closed) {
      throw new IllegalStateException(name + " is closed");
    }
    Routed routed = collections.get(Objects.requireNonNull(collection, "collection"));
    if (routed == null) {
      throw new IllegalArgumentException(
          "there is no collection \""
              + Names.escape(collection)
              + "\", expected one of "
              + collections.keySet());
    }
    return routed;
  }

  private static Document unmoved(
      Routed routed, Bucket bucket, String id, @Nullable Document changed) {
    if (changed == null) {
      throw new IllegalArgumentException(
          "the change of document \"" + Names.escape(id) + "\" returned null");
    }
    if (!changed.id().equals(id) || !routed.routing().bucket(changed).equals(bucket)) {
      throw new IllegalArgumentException(
          "the change would move document \""
              + Names.escape(id)
              + "\" out of bucket "
              + bucket.name()
              + "; put it anew and delete this one");
    }
    return changed;
  }

  private CompletableFuture<List<Partition>> counted(List<Bucket> buckets) {
    return Bounded.all(buckets, store::count)
        .thenApply(
            counts -> {
              Map<String, Long> sums = new TreeMap<>();
              for (int i = 0; i < buckets.size(); i++) {
                sums.merge(buckets.get(i).partition(), counts.get(i), Long::sum);
              }
              return sums.entrySet().stream()
                  .map(entry -> new Partition(entry.getKey(), entry.getValue()))
                  .toList();
            });
  }

  /** What a page has so far. */
  private static final class Progress {
    final List<Merge.Row> rows = new ArrayList<>();
    int buckets;
    int reads;
    int rounds;
  }

  private CompletableFuture<Page> page(
      Routed routed,
      Plan plan,
      ShardQuery query,
      Optional<Cursor> cursor,
      List<Bucket> buckets,
      byte[] key) {
    List<List<Bucket>> groups = groups(routed, plan, query, cursor, buckets);
    int asked = groups.stream().mapToInt(List::size).sum();
    boolean concatenated = groups.size() > 1;
    if (!concatenated && asked > MAX_BUCKETS) {
      throw new IllegalArgumentException(
          "the query would ask "
              + asked
              + " buckets, expected at most "
              + MAX_BUCKETS
              + "; add a condition on the field that partitions go by");
    }
    Progress progress = new Progress();
    // One more than the page, to know whether there is a next one.
    return waves(plan, query.limit() + 1, cursor, groups, 0, 1, progress)
        .thenApply(done -> page(plan, query, progress, key));
  }

  /**
   * Buckets whose documents may mix are one group; groups come one after another in the order of
   * the query.
   */
  private static List<List<Bucket>> groups(
      Routed routed, Plan plan, ShardQuery query, Optional<Cursor> cursor, List<Bucket> buckets) {
    List<Bucket> asked =
        buckets.stream()
            .filter(bucket -> routed.routing().mayHold(bucket.partition(), query))
            .toList();
    boolean disjoint =
        routed.routing().isOrdered()
            && !plan.orders().isEmpty()
            && routed.routing().field().filter(plan.orders().get(0).field()::equals).isPresent();
    if (!disjoint) {
      return List.of(asked);
    }
    boolean ascending = plan.orders().get(0).direction() == Direction.ASCENDING;
    TreeMap<String, List<Bucket>> byPartition = new TreeMap<>();
    asked.forEach(
        bucket ->
            byPartition
                .computeIfAbsent(bucket.partition(), partition -> new ArrayList<>())
                .add(bucket));
    // The pages before have passed the partitions before that of the cursor.
    cursor.ifPresent(
        last ->
            byPartition
                .keySet()
                .removeIf(
                    partition ->
                        ascending
                            ? partition.compareTo(last.partition()) < 0
                            : partition.compareTo(last.partition()) > 0));
    return List.copyOf((ascending ? byPartition : byPartition.descendingMap()).values());
  }

  /** Asks some groups at once, twice as many each time, until there are enough rows. */
  private CompletableFuture<Void> waves(
      Plan plan,
      int wanted,
      Optional<Cursor> cursor,
      List<List<Bucket>> groups,
      int from,
      int width,
      Progress progress) {
    int missing = wanted - progress.rows.size();
    if (missing <= 0 || from >= groups.size()) {
      return CompletableFuture.completedFuture(null);
    }
    List<List<Bucket>> wave = wave(groups, from, width);
    Merge merge = new Merge(store, plan);
    wave.forEach(group -> group.forEach(bucket -> merge.add(bucket, after(plan, cursor, bucket))));
    int largest = wave.stream().mapToInt(List::size).max().orElse(1);
    progress.buckets += wave.stream().mapToInt(List::size).sum();
    return merge
        .run(missing, share(missing, largest))
        .thenCompose(
            done -> {
              progress.rows.addAll(merge.merged());
              progress.reads += merge.reads();
              progress.rounds += merge.rounds();
              int wider = Math.min(MAX_WAVE, 2 * width);
              return waves(plan, wanted, cursor, groups, from + wave.size(), wider, progress);
            });
  }

  private static List<List<Bucket>> wave(List<List<Bucket>> groups, int from, int width) {
    int to = from + 1;
    int asked = groups.get(from).size();
    while (to < Math.min(groups.size(), from + width)
        && asked + groups.get(to).size() <= MAX_WAVE_BUCKETS) {
      asked += groups.get(to).size();
      to++;
    }
    return groups.subList(from, to);
  }

  private static Optional<After> after(Plan plan, Optional<Cursor> cursor, Bucket bucket) {
    return cursor.map(
        last -> {
          // Of documents alike in order and id, those of partitions further on are still to come.
          // Partition names are ASCII, so that the order of characters is that of bytes.
          int order = bucket.partition().compareTo(last.partition());
          boolean further = plan.idDirection() == Direction.ASCENDING ? order > 0 : order < 0;
          return new After(last.values(), last.id(), further);
        });
  }

  /** An even share and twice its standard deviation: most buckets are asked once. */
  private static int share(int missing, int buckets) {
    double mean = (double) missing / buckets;
    return (int) Math.min(missing, Math.ceil(mean + 2 * Math.sqrt(mean * (1 - 1.0 / buckets))));
  }

  private static Page page(Plan plan, ShardQuery query, Progress progress, byte[] key) {
    List<Merge.Row> rows = progress.rows.subList(0, Math.min(query.limit(), progress.rows.size()));
    Optional<String> next = Optional.empty();
    if (progress.rows.size() > query.limit()) {
      Merge.Row last = rows.get(rows.size() - 1);
      next =
          Optional.of(
              new Cursor(
                      plan.values(last.document()), last.document().id(), last.bucket().partition())
                  .sign(query, key));
    }
    return new Page(
        rows.stream().map(Merge.Row::document).toList(),
        next,
        new Page.Cost(progress.buckets, progress.reads, progress.rounds));
  }

  private CompletableFuture<byte[]> secret() {
    CompletableFuture<byte[]> known = secret;
    if (known == null || known.isCompletedExceptionally()) {
      byte[] proposed = new byte[SECRET_BYTES];
      new SecureRandom().nextBytes(proposed);
      known = store.secret(proposed);
      secret = known;
    }
    return known;
  }

  private static String path(Bucket bucket, String id) {
    return bucket.collection() + "/" + bucket.name() + "/" + Names.escape(id);
  }

  /**
   * Runs the work; its stage completes on a thread that is not the driver's, and fails with our own
   * exceptions only.
   */
  private static <T> CompletionStage<T> handedOver(
      String operation, Supplier<CompletableFuture<T>> work) {
    return work.get()
        .handleAsync(
            (value, failure) -> {
              if (failure == null) {
                return value;
              }
              Throwable cause = unwrap(failure);
              if (cause instanceof IllegalArgumentException || cause instanceof ShardingException) {
                throw (RuntimeException) cause;
              }
              throw new ShardingException("cannot " + operation, cause);
            });
  }

  static Throwable unwrap(Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }
}
