package dev.escalera.benchmarks.sharding;

import com.google.cloud.Timestamp;
import com.google.cloud.firestore.CollectionReference;
import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.Query;
import com.google.cloud.firestore.QueryDocumentSnapshot;
import dev.escalera.benchmarks.Bars;
import dev.escalera.benchmarks.Figures;
import dev.escalera.benchmarks.Jmh;
import dev.escalera.benchmarks.Parts;
import dev.escalera.benchmarks.Ratio;
import dev.escalera.benchmarks.RawBatchWrite;
import dev.escalera.benchmarks.Report;
import dev.escalera.benchmarks.Rounds;
import dev.escalera.sharding.Direction;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.DocumentResult;
import dev.escalera.sharding.Index;
import dev.escalera.sharding.Operator;
import dev.escalera.sharding.Page;
import dev.escalera.sharding.Partitioning;
import dev.escalera.sharding.ShardQuery;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardRouterBuilder;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.firestore.FirestoreShardRouter;
import dev.escalera.sharding.redis.RedisShardRouter;
import dev.escalera.testkit.FirestoreEmulator;
import dev.escalera.testkit.RedisServer;
import io.lettuce.core.RedisClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/**
 * What it costs to route, to query over partitions and to write in bulk, beside the same by hand.
 * {@code -Descalera.bars=route,bulk} measures some of route, pages, bulk and chart; the chart is
 * written to the file of {@code -Descalera.chart}.
 */
public final class ShardingBars implements Bars {
  /** Short rounds, and many of them: what disturbs one falls out. */
  private static final int WARM_UPS = 4;

  private static final int ROUNDS = 15;
  private static final double ROUTE_NANOS = 100;

  private static final String MESSAGES = "messages";
  private static final int MONTHS = 16;
  private static final int A_MONTH = 640;
  private static final int PAGE = 100;
  private static final int DEEP = 100;
  private static final int QUERIES = 3;

  private static final int BULK = 20_000;
  private static final int BULK_SPREAD = 4;
  private static final int IN_FLIGHT = 4;
  private static final int BULK_ROUNDS = 3;

  private static final List<Integer> PARTITIONS = List.of(1, 2, 4, 8, 16, 32, 64);
  private static final int CHARTED = 1_600;

  @Override
  public void measure(Report report) throws Exception {
    Map<String, Parts.Part> parts = new LinkedHashMap<>();
    parts.put("route", ShardingBars::route);
    parts.put("pages", ShardingBars::pages);
    parts.put("bulk", ShardingBars::bulk);
    parts.put("chart", ShardingBars::chart);
    Parts.measure(parts, report);
  }

  private static void route(Report report) throws Exception {
    Jmh.Cost route = Jmh.run(RouteBenchmark.class, 1, 3, report).of("escalera");
    report.atMost(
        "route one document, ns",
        "-",
        ROUTE_NANOS,
        Ratio.of(route.nanos(), Collections.nCopies(route.nanos().size(), 1.0)));
  }

  private static ShardedCollection messages(int spread) {
    return ShardedCollection.named(MESSAGES)
        .partitionBy(Partitioning.date("createdAt", "YYYY_MM"))
        .spread(spread)
        .index(Index.desc("createdAt"))
        .index(Index.asc("rank"));
  }

  private static Instant month(int month) {
    return LocalDate.of(2024, 1, 1).plusMonths(month).atStartOfDay().toInstant(ZoneOffset.UTC);
  }

  /** Documents over months in turn, whose ranks have nothing to do with their times. */
  private static List<Document> documents(int count, int months) {
    return IntStream.range(0, count)
        .mapToObj(
            i ->
                Document.of(
                    "message-" + i,
                    Map.of(
                        "createdAt",
                        month(i % months).plusSeconds(3_600L * (i / months)),
                        "rank",
                        i * 7_919L % count,
                        "userId",
                        "user-" + i % 100,
                        "content",
                        "the text of message " + i)))
        .toList();
  }

  private static void pages(Report report) throws Exception {
    try (FirestoreEmulator emulator = FirestoreEmulator.start("-Xmx2g")) {
      Firestore firestore = emulator.openClient("pages");
      try (ShardRouter router =
          FirestoreShardRouter.builder(firestore).collection(messages(1)).build()) {
        write(router, MESSAGES, documents(MONTHS * A_MONTH, MONTHS));
        pruned(report, firestore, router);
        scatter(report, firestore, router);
        deep(report, "Firestore", QUERIES, router);
      } finally {
        firestore.shutdownNow();
      }
    }
    try (RedisServer server = RedisServer.start()) {
      RedisClient client = RedisClient.create(server.uri());
      try (ShardRouter router = RedisShardRouter.builder(client).collection(messages(1)).build()) {
        write(router, MESSAGES, documents(MONTHS * A_MONTH, MONTHS));
        deep(report, "Redis", 20 * QUERIES, router);
      } finally {
        client.shutdown();
      }
    }
  }

  private static void write(ShardRouter router, String collection, List<Document> documents) {
    Optional<DocumentResult> failed =
        router.writeAll(collection, documents).stream()
            .filter(result -> !result.stored())
            .findFirst();
    if (failed.isPresent()) {
      throw new IllegalStateException(failed.get().failure().orElseThrow());
    }
  }

  private static CollectionReference bucket(Firestore firestore, String bucket) {
    return firestore.collection("escalera_messages/" + bucket + "/messages");
  }

  private static void pruned(Report report, Firestore firestore, ShardRouter router)
      throws Exception {
    Instant from = month(5);
    Instant to = month(6);
    ShardQuery query =
        ShardQuery.from(MESSAGES)
            .where("createdAt", Operator.GREATER_OR_EQUAL, from)
            .where("createdAt", Operator.LESS, to)
            .orderBy("createdAt", Direction.DESCENDING)
            .limit(PAGE);
    Query byHand =
        bucket(firestore, "2024_06#0")
            .whereGreaterThanOrEqualTo("createdAt", timestamp(from))
            .whereLessThan("createdAt", timestamp(to))
            .orderBy("createdAt", Query.Direction.DESCENDING)
            .limit(PAGE);
    Figures<List<Double>> millis =
        new Rounds(report)
            .add("Escalera", () -> millis(2 * QUERIES, () -> full(router.query(query))))
            .add(
                "by hand",
                () ->
                    millis(
                        2 * QUERIES,
                        () ->
                            full(
                                rows(byHand).stream()
                                    .map(QueryDocumentSnapshot::getData)
                                    .toList())))
            .run(WARM_UPS, ROUNDS);
    report.atMost(
        "query of 1 of %d partitions, page of %d".formatted(MONTHS, PAGE),
        "the same query by hand",
        1.1,
        Figures.ratio(millis, "Escalera", "by hand"));
  }

  private static void scatter(Report report, Firestore firestore, ShardRouter router)
      throws Exception {
    ShardQuery query = ShardQuery.from(MESSAGES).orderBy("rank", Direction.ASCENDING).limit(PAGE);
    List<Query> byHand =
        IntStream.range(0, MONTHS)
            .mapToObj(
                i ->
                    bucket(firestore, month(i).toString().substring(0, 7).replace('-', '_') + "#0")
                        .orderBy("rank")
                        .limit(PAGE))
            .toList();
    int[] reads = new int[2];
    Figures<List<Double>> millis =
        new Rounds(report)
            .add(
                "Escalera",
                () ->
                    millis(
                        QUERIES,
                        () -> {
                          Page page = router.query(query);
                          full(page);
                          reads[0] = page.cost().reads();
                        }))
            .add("fan-out", () -> millis(QUERIES, () -> reads[1] = fanOut(byHand)))
            .run(WARM_UPS, ROUNDS);
    String what = "ordered scatter over %d partitions, page of %d".formatted(MONTHS, PAGE);
    String against = "CompletableFuture fan-out that sorts";
    report.atMost(what, against, 1.0, Figures.ratio(millis, "Escalera", "fan-out"));
    report.atMost("the same, reads", against, 0.5, Ratio.exactly((double) reads[0] / reads[1]));
  }

  /** Asks every partition for a whole page, sorts all and keeps a page; returns the reads. */
  private static int fanOut(List<Query> partitions) {
    List<CompletableFuture<List<QueryDocumentSnapshot>>> asked =
        partitions.stream()
            .map(query -> CompletableFuture.supplyAsync(() -> rows(query), POOL))
            .toList();
    List<QueryDocumentSnapshot> all = asked.stream().flatMap(each -> each.join().stream()).toList();
    List<Map<String, Object>> page =
        all.stream()
            .sorted(
                Comparator.comparing(
                        (QueryDocumentSnapshot row) ->
                            Objects.requireNonNull(row.getLong("rank"), "rank"))
                    .thenComparing(QueryDocumentSnapshot::getId))
            .limit(PAGE)
            .map(QueryDocumentSnapshot::getData)
            .toList();
    full(page);
    return all.size();
  }

  /** As many threads as there are partitions: who writes it by hand waits in them. */
  private static final ForkJoinPool POOL = new ForkJoinPool(MONTHS);

  private static void deep(Report report, String store, int queries, ShardRouter router)
      throws Exception {
    ShardQuery first = ShardQuery.from(MESSAGES).orderBy("rank", Direction.ASCENDING).limit(PAGE);
    ShardQuery deep = first;
    for (int page = 1; page < DEEP; page++) {
      deep = first.after(router.query(deep).next().orElseThrow());
    }
    ShardQuery last = deep;
    Figures<List<Double>> millis =
        new Rounds(report)
            .add("page 100", () -> millis(queries, () -> full(router.query(last))))
            .add("page 1", () -> millis(queries, () -> full(router.query(first))))
            .run(WARM_UPS, ROUNDS);
    report.atMost(
        store + ", page %d over %d partitions".formatted(DEEP, MONTHS),
        "page 1",
        1.1,
        Figures.ratio(millis, "page 100", "page 1"));
  }

  private interface Work {
    void once() throws Exception;
  }

  /** Returns the median of the times, in milliseconds. */
  private static double millis(int times, Work work) throws Exception {
    double[] all = sorted(times, work);
    return all[times / 2];
  }

  private static double[] sorted(int times, Work work) throws Exception {
    double[] millis = new double[times];
    for (int i = 0; i < times; i++) {
      long start = System.nanoTime();
      work.once();
      millis[i] = (System.nanoTime() - start) / 1e6;
    }
    Arrays.sort(millis);
    return millis;
  }

  private static void full(Page page) {
    full(page.items());
  }

  private static void full(List<?> page) {
    if (page.size() != PAGE) {
      throw new IllegalStateException("a page has " + page.size() + ", expected " + PAGE);
    }
  }

  private static List<QueryDocumentSnapshot> rows(Query query) {
    try {
      return query.get().get(1, TimeUnit.MINUTES).getDocuments();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static Timestamp timestamp(Instant time) {
    return Timestamp.ofTimeSecondsAndNanos(time.getEpochSecond(), time.getNano());
  }

  private static void bulk(Report report) throws Exception {
    List<Document> documents = documents(BULK, MONTHS);
    Figures<List<Double>> perSecond =
        new Rounds(report)
            .add("Escalera", () -> onEmptyEmulator(documents, ShardingBars::fenced))
            .add("BatchWrite", () -> onEmptyEmulator(documents, ShardingBars::raw))
            .run(1, BULK_ROUNDS);
    report.atMost(
        "%,d documents through the fences of %d buckets, time"
            .formatted(BULK, MONTHS * BULK_SPREAD),
        "raw BatchWrite of 500, %d in flight".formatted(IN_FLIGHT),
        1.5,
        Figures.ratio(perSecond, "BatchWrite", "Escalera"));
  }

  private interface Writes {
    void on(Firestore firestore, List<Document> documents) throws Exception;
  }

  private static double onEmptyEmulator(List<Document> documents, Writes writes) throws Exception {
    try (FirestoreEmulator emulator = FirestoreEmulator.start("-Xmx2g")) {
      Firestore firestore = emulator.openClient("bulk-" + System.nanoTime());
      try {
        firestore.document("warm/up").set(Map.of("n", 0L)).get(20, TimeUnit.SECONDS);
        long start = System.nanoTime();
        writes.on(firestore, documents);
        return documents.size() * 1e9 / (System.nanoTime() - start);
      } finally {
        firestore.shutdownNow();
      }
    }
  }

  private static void fenced(Firestore firestore, List<Document> documents) {
    try (ShardRouter router =
        FirestoreShardRouter.builder(firestore).collection(messages(BULK_SPREAD)).build()) {
      write(router, MESSAGES, documents);
    }
  }

  private static void raw(Firestore firestore, List<Document> documents) throws Exception {
    try (ShardRouter names =
            FirestoreShardRouter.builder(firestore).collection(messages(BULK_SPREAD)).build();
        RawBatchWrite raw = new RawBatchWrite(firestore.getOptions(), IN_FLIGHT)) {
      raw.write(
          documents.size(),
          i -> {
            Document document = documents.get(i);
            String bucket = names.locate(MESSAGES, document);
            return "escalera_messages/" + bucket + "/" + MESSAGES + "/" + document.id();
          },
          i -> documents.get(i).fields());
    }
  }

  private static void chart(Report report) throws Exception {
    Chart chart =
        new Chart(
            "a page of %d in order, of %,d documents".formatted(PAGE, CHARTED),
            "partitions asked",
            PARTITIONS);
    try (FirestoreEmulator emulator = FirestoreEmulator.start("-Xmx2g")) {
      Firestore firestore = emulator.openClient("chart");
      try {
        charted(report, chart, "Firestore emulator", FirestoreShardRouter.builder(firestore), 20);
      } finally {
        firestore.shutdownNow();
      }
    }
    try (RedisServer server = RedisServer.start()) {
      RedisClient client = RedisClient.create(server.uri());
      try {
        charted(report, chart, "Redis", RedisShardRouter.builder(client), 500);
      } finally {
        client.shutdown();
      }
    }
    String file = System.getProperty("escalera.chart", "");
    if (!file.isEmpty()) {
      Files.writeString(Path.of(file), chart.toSvg());
    }
  }

  private static void charted(
      Report report, Chart chart, String store, ShardRouterBuilder<?> builder, int queries)
      throws Exception {
    for (int partitions : PARTITIONS) {
      builder.collection(
          ShardedCollection.named("over" + partitions)
              .partitionBy(Partitioning.hash(partitions))
              .index(Index.asc("rank")));
    }
    List<Double> median = new ArrayList<>();
    List<Double> slow = new ArrayList<>();
    try (ShardRouter router = builder.build()) {
      List<Document> documents = documents(CHARTED, MONTHS);
      for (int partitions : PARTITIONS) {
        write(router, "over" + partitions, documents);
      }
      for (int partitions : PARTITIONS) {
        ShardQuery query =
            ShardQuery.from("over" + partitions).orderBy("rank", Direction.ASCENDING).limit(PAGE);
        sorted(queries / 4, () -> full(router.query(query)));
        double[] millis = sorted(queries, () -> full(router.query(query)));
        median.add(millis[queries / 2]);
        slow.add(millis[queries * 99 / 100]);
        report.progress(
            "  %s, %d partitions: p50 %.2f ms, p99 %.2f ms"
                .formatted(store, partitions, millis[queries / 2], millis[queries * 99 / 100]));
      }
    }
    chart.line(store + ", p99", slow).line(store + ", p50", median);
  }
}
