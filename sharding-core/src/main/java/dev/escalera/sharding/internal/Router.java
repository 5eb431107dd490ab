package dev.escalera.sharding.internal;

import dev.escalera.sharding.Count;
import dev.escalera.sharding.Distribution;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.DocumentResult;
import dev.escalera.sharding.Page;
import dev.escalera.sharding.Partition;
import dev.escalera.sharding.PartitionKey;
import dev.escalera.sharding.ShardQuery;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardStats;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.ShardingException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
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
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** The router itself, over any stores. */
public final class Router implements ShardRouter {
  private static final int SECRET_BYTES = 32;

  /** How many documents of a bucket are looked at for its size, and of all buckets about. */
  private static final int MAX_SAMPLE = 24;

  private static final int SAMPLED = 1_000;

  /** Firestore keeps old versions for so long; a minute is left for what is under way. */
  private static final Duration SNAPSHOT_LIFE = Duration.ofMinutes(59);

  private final Settings settings;
  private final Targets targets;
  private final Map<String, Routed> collections = new LinkedHashMap<>();
  private final Instant since;
  private final List<Meters> meters = new ArrayList<>();
  private volatile @Nullable CompletableFuture<byte[]> secret;
  private volatile boolean closed;

  private record Routed(
      ShardedCollection collection,
      Routing routing,
      Catalog catalog,
      Fencing fencing,
      Traffic traffic) {}

  /** Throws IllegalStateException if there is no collection, or two of one name. */
  public Router(Settings settings, Collection<ShardedCollection> collections, Targets targets) {
    this.settings = settings;
    this.targets = targets;
    this.since = settings.clock().instant();
    if (collections.isEmpty()) {
      throw new IllegalStateException("no collection was given, expected at least one");
    }
    for (ShardedCollection collection : collections) {
      if (this.collections.put(collection.name(), routed(collection)) != null) {
        throw new IllegalStateException("collection \"" + collection.name() + "\" was given twice");
      }
    }
    settings
        .meterRegistry()
        .ifPresent(
            registry -> {
              Meters all = new Meters(registry);
              this.collections.forEach(
                  (name, routed) -> all.add(settings.name(), name, routed.traffic()));
              meters.add(all);
            });
  }

  private Routed routed(ShardedCollection collection) {
    Routing routing = new Routing(collection);
    Traffic traffic = new Traffic(collection, settings.nanoTime());
    List<String> names = targets.names();
    Catalog catalog =
        new Catalog(
            collection.name(),
            targets.catalog(),
            bucket -> names.get(routing.target(bucket, names.size())),
            settings.nanoTime(),
            settings.catalogTtl(),
            made -> fenced(traffic, made));
    Fencing fencing = new Fencing(catalog, targets, settings, traffic.refusals);
    return new Routed(collection, routing, catalog, fencing, traffic);
  }

  /** Puts the fences of buckets that were just made. */
  private CompletableFuture<Void> fenced(Traffic traffic, List<Entry> made) {
    traffic.bucketsMade.add(made.size());
    Map<String, List<Bucket>> byOwner = new LinkedHashMap<>();
    made.forEach(
        entry ->
            byOwner.computeIfAbsent(entry.owner(), o -> new ArrayList<>()).add(entry.bucket()));
    List<CompletableFuture<Void>> all = new ArrayList<>();
    byOwner.forEach(
        (owner, buckets) -> all.add(targets.store(owner).raiseAll(buckets, Fence.FIRST)));
    return CompletableFuture.allOf(all.toArray(CompletableFuture<?>[]::new));
  }

  @Override
  public CompletionStage<Void> putAsync(String collection, Document document) {
    Routed routed = routed(collection);
    Bucket bucket = routed.routing().bucket(Objects.requireNonNull(document, "document"));
    Row row = routed.routing().row(document);
    return handedOver(
        routed.traffic(),
        () -> "put " + path(bucket, document.id()),
        () ->
            routed
                .fencing()
                .put(
                    bucket,
                    (store, home) ->
                        store.put(routed.collection(), new BucketStore.Placed(home, row)))
                .thenAccept(
                    done -> {
                      routed.traffic().put.increment();
                      written(routed, document);
                    }));
  }

  @Override
  public CompletionStage<Optional<Document>> getAsync(
      String collection, PartitionKey key, String id) {
    Routed routed = routed(collection);
    Bucket bucket = routed.routing().bucket(key, Document.of(id, Map.of()).id());
    String stored = routed.routing().storedId(key, id);
    return handedOver(
        routed.traffic(),
        () -> "get " + path(bucket, id),
        () ->
            routed
                .fencing()
                .read(bucket, Optional.<Row>empty(), store -> store.get(bucket, stored))
                .thenApply(
                    row -> {
                      routed.traffic().gets.increment();
                      return row.map(routed.routing()::document);
                    }));
  }

  @Override
  public CompletionStage<Optional<Document>> updateAsync(
      String collection, PartitionKey key, String id, UnaryOperator<Document> change) {
    Routed routed = routed(collection);
    Objects.requireNonNull(change, "change");
    Bucket bucket = routed.routing().bucket(key, Document.of(id, Map.of()).id());
    String stored = routed.routing().storedId(key, id);
    Update update =
        new Update(routed.collection(), routed.routing(), routed.fencing(), bucket, stored, change);
    return handedOver(
        routed.traffic(),
        () -> "update " + path(bucket, id),
        () -> update.run().thenApply(row -> row.map(found -> updated(routed, found))));
  }

  @Override
  public CompletionStage<Void> deleteAsync(String collection, PartitionKey key, String id) {
    Routed routed = routed(collection);
    Bucket bucket = routed.routing().bucket(key, Document.of(id, Map.of()).id());
    String stored = routed.routing().storedId(key, id);
    return handedOver(
        routed.traffic(),
        () -> "delete " + path(bucket, id),
        () ->
            routed
                .fencing()
                .change(
                    bucket,
                    Optional.empty(),
                    (store, home) ->
                        store
                            .delete(routed.collection(), home, stored)
                            .thenApply(done -> Optional.empty()))
                .thenApply(
                    done -> {
                      routed.traffic().deleted.increment();
                      return null;
                    }));
  }

  @Override
  public CompletionStage<List<DocumentResult>> writeAllAsync(
      String collection, List<Document> documents) {
    Routed routed = routed(collection);
    BulkPut bulk = new BulkPut(routed.collection(), routed.routing(), documents);
    return handedOver(
        routed.traffic(),
        () -> "write to " + collection,
        () ->
            bulk.run(routed.catalog(), targets, routed.fencing())
                .thenApply(results -> counted(routed, documents, results)));
  }

  @Override
  public CompletionStage<Page> queryAsync(ShardQuery query) {
    Routed routed = routed(query.collection());
    Selection forwards = Selection.of(routed.collection(), query, false);
    return handedOver(
        routed.traffic(),
        () -> "query " + query.collection(),
        () -> secret().thenCompose(key -> page(routed, forwards, query, key)));
  }

  @Override
  public CompletionStage<Count> countAsync(ShardQuery query) {
    Routed routed = routed(query.collection());
    Selection selection = Selection.of(routed.collection(), query, false);
    return handedOver(
        routed.traffic(),
        () -> "count " + query.collection(),
        () ->
            routed
                .fencing()
                .again(() -> sources(routed, selection).thenCompose(this::counted))
                .thenApply(Router::sum));
  }

  @Override
  public CompletionStage<List<Partition>> partitionsAsync(String collection) {
    Routed routed = routed(collection);
    Selection all = Selection.of(routed.collection(), ShardQuery.from(collection), false);
    return handedOver(
        routed.traffic(),
        () -> "list the partitions of " + collection,
        () ->
            routed
                .fencing()
                .again(
                    () ->
                        sources(routed, all)
                            .thenCompose(
                                sources ->
                                    counted(sources)
                                        .thenApply(counts -> partitions(sources, counts)))));
  }

  @Override
  public CompletionStage<Distribution> distributionAsync(String collection) {
    Routed routed = routed(collection);
    Selection all = Selection.of(routed.collection(), ShardQuery.from(collection), false);
    return handedOver(
        routed.traffic(),
        () -> "look at the partitions of " + collection,
        () ->
            routed
                .fencing()
                .again(
                    () ->
                        sources(routed, all)
                            .thenCompose(
                                sources ->
                                    counted(sources)
                                        .thenCompose(
                                            counts -> distribution(routed, sources, counts)))));
  }

  @Override
  public ShardStats stats() {
    Map<String, ShardStats.OfCollection> all = new LinkedHashMap<>();
    collections.forEach((name, routed) -> all.put(name, routed.traffic().stats()));
    return new ShardStats(since, all);
  }

  @Override
  public CompletionStage<List<Document>> findEverywhereAsync(String collection, String id) {
    Routed routed = routed(collection);
    Document.of(id, Map.of());
    return handedOver(
        routed.traffic(),
        () -> "find " + collection + "/" + Names.escape(id),
        () ->
            routed
                .fencing()
                .again(() -> routed.catalog().all().thenCompose(e -> find(routed, e, id))));
  }

  @Override
  public String locate(String collection, Document document) {
    return routed(collection).routing().bucket(document).name();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      meters.forEach(Meters::close);
      targets.close();
    }
  }

  private Routed routed(String collection) {
    if (closed) {
      throw new IllegalStateException(settings.name() + " is closed");
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

  private static void written(Routed routed, Document document) {
    routed.traffic().written(routed.routing().partition(document));
  }

  private static Document updated(Routed routed, Row row) {
    Document document = routed.routing().document(row);
    routed.traffic().updated.increment();
    written(routed, document);
    return document;
  }

  private static List<DocumentResult> counted(
      Routed routed, List<Document> documents, List<DocumentResult> results) {
    for (int i = 0; i < results.size(); i++) {
      if (results.get(i).stored()) {
        routed.traffic().put.increment();
        Document document = documents.get(i);
        written(routed, document);
      }
    }
    return results;
  }

  private CompletableFuture<Distribution> distribution(
      Routed routed, List<Paging.Source> sources, List<Long> counts) {
    int filled = (int) counts.stream().filter(count -> count > 0).count();
    int sample = Math.max(1, Math.min(MAX_SAMPLE, SAMPLED / Math.max(1, filled)));
    List<Integer> places = IntStream.range(0, sources.size()).boxed().toList();
    return Bounded.all(
            places,
            targets::queriesAtOnce,
            place -> {
              Paging.Source source = sources.get(place);
              return targets
                  .store(source.owner())
                  .size(routed.collection(), source.bucket(), counts.get(place), sample);
            })
        .thenApply(sizes -> distribution(routed.traffic(), sources, counts, sizes));
  }

  private static Distribution distribution(
      Traffic traffic,
      List<Paging.Source> sources,
      List<Long> counts,
      List<BucketStore.Size> sizes) {
    Map<String, Long> bytes = new TreeMap<>();
    long sampled = 0;
    for (int i = 0; i < sources.size(); i++) {
      bytes.merge(sources.get(i).bucket().partition(), sizes.get(i).bytes(), Long::sum);
      sampled += sizes.get(i).reads();
    }
    List<Distribution.OfPartition> partitions =
        partitions(sources, counts).stream()
            .map(
                partition ->
                    new Distribution.OfPartition(
                        partition.name(),
                        partition.documents(),
                        bytes.getOrDefault(partition.name(), 0L)))
            .toList();
    long most = partitions.stream().mapToLong(Distribution.OfPartition::documents).max().orElse(0);
    long all = partitions.stream().mapToLong(Distribution.OfPartition::documents).sum();
    return new Distribution(
        partitions,
        all == 0 ? 0 : (double) most * partitions.size() / all,
        traffic.writesASecond(),
        traffic.hotKeys(),
        sum(counts).reads() + sampled);
  }

  /** Looks into one bucket of each partition, or in those that partitions share. */
  private CompletableFuture<List<Document>> find(Routed routed, List<Entry> entries, String id) {
    List<Entry> asked =
        entries.stream().filter(entry -> routed.routing().mayHold(entry.bucket(), id)).toList();
    return Bounded.all(
            asked,
            targets::queriesAtOnce,
            entry -> routed.routing().find(targets.store(entry.owner()), entry.bucket(), id))
        .thenApply(
            found -> found.stream().flatMap(List::stream).map(routed.routing()::document).toList());
  }

  private CompletableFuture<Page> page(
      Routed routed, Selection forwards, ShardQuery query, byte[] key) {
    Instant now = settings.clock().instant();
    Optional<Cursor> cursor = query.cursor().map(token -> Cursor.verify(token, query, key, now));
    Selection selection =
        cursor.filter(Cursor::backwards).isPresent()
            ? Selection.of(routed.collection(), query, true)
            : forwards;
    return asOf(query, cursor)
        .thenCompose(
            at ->
                routed
                    .fencing()
                    .again(() -> page(routed, selection, query, cursor, at))
                    .thenApply(
                        read -> {
                          routed.traffic().pages.increment();
                          routed.traffic().reads.add(read.read().cost().reads());
                          return read.page(key, expiry(cursor, at, now), at);
                        }));
  }

  /** A page that is read, and yet to be signed. */
  private record Unsigned(Paging paging, Paging.Read read) {
    Page page(byte[] key, Instant expires, Optional<Instant> at) {
      return paging.signed(read, key, expires, at);
    }
  }

  private CompletableFuture<Unsigned> page(
      Routed routed,
      Selection selection,
      ShardQuery query,
      Optional<Cursor> cursor,
      Optional<Instant> at) {
    Paging paging = new Paging(routed.routing(), selection, query, cursor, new Asking(targets, at));
    return sources(routed, selection)
        .thenCompose(paging::run)
        .thenApply(read -> new Unsigned(paging, read));
  }

  /** Asks who has a bucket, as of a time or now. */
  private record Asking(Targets targets, Optional<Instant> at) implements Merge.Asking {
    @Override
    public CompletableFuture<List<Row>> ask(
        Paging.Source source, Optional<After> after, int limit) {
      return targets.store(source.owner()).query(source.bucket(), source.plan(), after, limit, at);
    }

    @Override
    public int atOnce() {
      return targets.queriesAtOnce();
    }
  }

  /** As of when the pages are: the first one's moment, if it is a snapshot. */
  private CompletableFuture<Optional<Instant>> asOf(ShardQuery query, Optional<Cursor> cursor) {
    if (!query.snapshot()) {
      return CompletableFuture.completedFuture(Optional.empty());
    }
    return cursor.isPresent()
        ? CompletableFuture.completedFuture(cursor.get().at())
        : targets.catalog().now().thenApply(Optional::of);
  }

  private Instant expiry(Optional<Cursor> cursor, Optional<Instant> at, Instant now) {
    if (at.isEmpty()) {
      return now.plus(settings.cursorLife());
    }
    // The life of a snapshot counts from its first page.
    Duration life =
        settings.cursorLife().compareTo(SNAPSHOT_LIFE) < 0 ? settings.cursorLife() : SNAPSHOT_LIFE;
    return cursor.map(Cursor::expires).orElse(now.plus(life));
  }

  /** Returns what has to be asked for a selection. */
  private CompletableFuture<List<Paging.Source>> sources(Routed routed, Selection selection) {
    List<CompletableFuture<List<Paging.Source>>> all = new ArrayList<>();
    for (Plan plan : selection.plans()) {
      CompletableFuture<List<Entry>> entries =
          routed
              .routing()
              .named(plan)
              .map(buckets -> named(routed, buckets))
              .orElseGet(() -> routed.catalog().all());
      all.add(
          entries.thenApply(
              found ->
                  found.stream()
                      .filter(entry -> routed.routing().mayHold(entry.bucket(), plan))
                      .map(entry -> new Paging.Source(entry.bucket(), entry.owner(), plan))
                      .toList()));
    }
    return CompletableFuture.allOf(all.toArray(CompletableFuture<?>[]::new))
        .thenApply(done -> all.stream().flatMap(part -> part.join().stream()).toList());
  }

  /** With one target, who has a bucket need not be looked up, nor whether it exists. */
  private CompletableFuture<List<Entry>> named(Routed routed, List<Bucket> buckets) {
    if (!targets.isOne()) {
      return routed.catalog().find(buckets);
    }
    String owner = targets.names().get(0);
    return CompletableFuture.completedFuture(
        buckets.stream().map(bucket -> new Entry(bucket, owner, 0, 0)).toList());
  }

  private CompletableFuture<List<Long>> counted(List<Paging.Source> sources) {
    return Bounded.all(
        sources,
        targets::queriesAtOnce,
        source -> targets.store(source.owner()).count(source.bucket(), source.plan()));
  }

  private static Count sum(List<Long> counts) {
    long documents = counts.stream().mapToLong(Long::longValue).sum();
    // As Firestore bills: a read for each thousand of a bucket, at least one.
    long reads = counts.stream().mapToLong(count -> Math.max(1, (count + 999) / 1_000)).sum();
    return new Count(documents, counts.size(), reads);
  }

  private static List<Partition> partitions(List<Paging.Source> sources, List<Long> counts) {
    Map<String, Long> sums = new TreeMap<>();
    for (int i = 0; i < sources.size(); i++) {
      sums.merge(sources.get(i).bucket().partition(), counts.get(i), Long::sum);
    }
    return sums.entrySet().stream()
        .map(entry -> new Partition(entry.getKey(), entry.getValue()))
        .toList();
  }

  private CompletableFuture<byte[]> secret() {
    CompletableFuture<byte[]> known = secret;
    if (known == null || known.isCompletedExceptionally()) {
      byte[] proposed = new byte[SECRET_BYTES];
      new SecureRandom().nextBytes(proposed);
      known = targets.catalog().secret(proposed);
      secret = known;
    }
    return known;
  }

  private static String path(Bucket bucket, String id) {
    return bucket + "/" + Names.escape(id);
  }

  /**
   * Runs the work; its stage completes on a thread that is not the driver's, and fails with our own
   * exceptions only.
   */
  private static <T> CompletionStage<T> handedOver(
      Traffic traffic, Supplier<String> operation, Supplier<CompletableFuture<T>> work) {
    return work.get()
        .handleAsync(
            (value, failure) -> {
              if (failure == null) {
                return value;
              }
              traffic.failures.increment();
              Throwable cause = unwrap(failure);
              if (cause instanceof IllegalArgumentException || cause instanceof ShardingException) {
                throw (RuntimeException) cause;
              }
              throw new ShardingException("cannot " + operation.get(), cause);
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
