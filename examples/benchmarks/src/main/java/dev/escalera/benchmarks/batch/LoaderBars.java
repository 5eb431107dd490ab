package dev.escalera.benchmarks.batch;

import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.Firestore;
import dev.escalera.batch.BatchLoader;
import dev.escalera.batch.DocumentKey;
import dev.escalera.batch.firestore.FirestoreBatchLoader;
import dev.escalera.batch.redis.RedisBatchLoader;
import dev.escalera.benchmarks.Bars;
import dev.escalera.benchmarks.Figures;
import dev.escalera.benchmarks.Report;
import dev.escalera.benchmarks.Rounds;
import dev.escalera.testkit.FirestoreEmulator;
import dev.escalera.testkit.RedisServer;
import io.lettuce.core.KeyValue;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.StatefulRedisConnection;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.dataloader.DataLoader;
import org.dataloader.DataLoaderFactory;
import org.dataloader.DataLoaderOptions;

/** How fast a thousand keys are read that are asked for one by one, all before the first answer. */
public final class LoaderBars implements Bars {
  private static final int KEYS = 1_000;
  private static final int BATCH = 500;
  private static final int WARM_UPS = 2;
  private static final int ROUNDS = 5;
  private static final int REDIS_TIMES = 300;
  private static final int FIRESTORE_TIMES = 12;
  private static final double OF_RAW = 0.7;
  private static final double FASTER_THAN_SINGLE = 5;

  @Override
  public void measure(Report report) throws Exception {
    redis(report);
    firestore(report);
  }

  private interface Read {
    void once() throws Exception;
  }

  private static double perSecond(int times, Read read) throws Exception {
    long start = System.nanoTime();
    for (int i = 0; i < times; i++) {
      read.once();
    }
    return (double) KEYS * times * 1e9 / (System.nanoTime() - start);
  }

  private static void redis(Report report) throws Exception {
    RedisServer server = RedisServer.start();
    RedisClient client = RedisClient.create(server.uri());
    try (StatefulRedisConnection<String, String> redis = client.connect();
        BatchLoader<String, byte[]> loader = RedisBatchLoader.builder(client).build()) {
      List<String> keys = IntStream.range(0, KEYS).mapToObj(i -> "key-" + i).toList();
      keys.forEach(key -> redis.sync().set(key, RawRedis.VALUE));
      Figures<List<Double>> perSecond =
          new Rounds(report)
              .add("Escalera", () -> perSecond(REDIS_TIMES, () -> load(loader, keys)))
              .add("MGET", () -> perSecond(REDIS_TIMES, () -> mget(redis, keys)))
              .add("DataLoader", () -> perSecond(REDIS_TIMES, () -> dataLoader(redis, keys)))
              .add("GET", () -> perSecond(REDIS_TIMES, () -> gets(redis, keys)))
              .run(WARM_UPS, ROUNDS);
      String what = "Redis, keys a second";
      report.atLeast(what, "raw MGET of 500", OF_RAW, Figures.ratio(perSecond, "Escalera", "MGET"));
      report.atLeast(
          what,
          "GET, all in flight",
          FASTER_THAN_SINGLE,
          Figures.ratio(perSecond, "Escalera", "GET"));
      report.note(
          what,
          "java-dataloader, dispatched by hand",
          Figures.ratio(perSecond, "Escalera", "DataLoader"));
    } finally {
      client.shutdown();
      server.close();
    }
  }

  private static void firestore(Report report) throws Exception {
    try (FirestoreEmulator emulator = FirestoreEmulator.start("-Xmx2g")) {
      Firestore firestore = emulator.openClient("loader");
      try (BatchLoader<DocumentKey, ?> loader = FirestoreBatchLoader.builder(firestore).build()) {
        List<DocumentReference> documents =
            IntStream.range(0, KEYS).mapToObj(i -> firestore.document("items/item-" + i)).toList();
        List<DocumentKey> keys =
            IntStream.range(0, KEYS).mapToObj(i -> new DocumentKey("items", "item-" + i)).toList();
        for (DocumentReference document : documents) {
          document.set(Map.of("text", RawRedis.VALUE)).get(20, TimeUnit.SECONDS);
        }
        Figures<List<Double>> perSecond =
            new Rounds(report)
                .add("Escalera", () -> perSecond(FIRESTORE_TIMES, () -> load(loader, keys)))
                .add("getAll", () -> perSecond(FIRESTORE_TIMES, () -> getAll(firestore, documents)))
                .add("get", () -> perSecond(FIRESTORE_TIMES, () -> gets(documents)))
                .run(WARM_UPS, ROUNDS);
        String what = "Firestore, documents a second";
        report.atLeast(
            what, "raw getAll of 500", OF_RAW, Figures.ratio(perSecond, "Escalera", "getAll"));
        report.atLeast(
            what,
            "get, all in flight",
            FASTER_THAN_SINGLE,
            Figures.ratio(perSecond, "Escalera", "get"));
      } finally {
        firestore.shutdownNow();
      }
    }
  }

  private static <K, V> void load(BatchLoader<K, V> loader, List<K> keys) throws Exception {
    List<CompletableFuture<Optional<V>>> values = new ArrayList<>(keys.size());
    for (K key : keys) {
      values.add(loader.load(key));
    }
    for (CompletableFuture<Optional<V>> value : values) {
      if (value.get(1, TimeUnit.MINUTES).isEmpty()) {
        throw new IllegalStateException("a key is missing");
      }
    }
  }

  private static void mget(StatefulRedisConnection<String, String> redis, List<String> keys)
      throws Exception {
    List<CompletableFuture<List<KeyValue<String, String>>>> calls = new ArrayList<>();
    for (int from = 0; from < KEYS; from += BATCH) {
      String[] some = keys.subList(from, from + BATCH).toArray(String[]::new);
      calls.add(redis.async().mget(some).toCompletableFuture());
    }
    for (CompletableFuture<List<KeyValue<String, String>>> call : calls) {
      for (KeyValue<String, String> value : call.get(1, TimeUnit.MINUTES)) {
        value.getValue();
      }
    }
  }

  private static void dataLoader(StatefulRedisConnection<String, String> redis, List<String> keys)
      throws Exception {
    DataLoader<String, String> loader =
        DataLoaderFactory.newDataLoader(
            some ->
                redis
                    .async()
                    .mget(some.toArray(String[]::new))
                    .thenApply(values -> values.stream().map(KeyValue::getValue).toList()),
            DataLoaderOptions.newOptions().setMaxBatchSize(BATCH).setCachingEnabled(false).build());
    List<CompletableFuture<String>> values = new ArrayList<>(KEYS);
    keys.forEach(key -> values.add(loader.load(key)));
    loader.dispatch();
    for (CompletableFuture<String> value : values) {
      value.get(1, TimeUnit.MINUTES);
    }
  }

  private static void gets(StatefulRedisConnection<String, String> redis, List<String> keys)
      throws Exception {
    List<CompletableFuture<String>> values = new ArrayList<>(KEYS);
    keys.forEach(key -> values.add(redis.async().get(key).toCompletableFuture()));
    for (CompletableFuture<String> value : values) {
      value.get(1, TimeUnit.MINUTES);
    }
  }

  private static void getAll(Firestore firestore, List<DocumentReference> documents)
      throws Exception {
    List<com.google.api.core.ApiFuture<List<DocumentSnapshot>>> calls = new ArrayList<>();
    for (int from = 0; from < KEYS; from += BATCH) {
      calls.add(
          firestore.getAll(
              documents.subList(from, from + BATCH).toArray(DocumentReference[]::new)));
    }
    for (com.google.api.core.ApiFuture<List<DocumentSnapshot>> call : calls) {
      for (DocumentSnapshot document : call.get(1, TimeUnit.MINUTES)) {
        document.getData();
      }
    }
  }

  private static void gets(List<DocumentReference> documents) throws Exception {
    List<com.google.api.core.ApiFuture<DocumentSnapshot>> calls = new ArrayList<>();
    documents.forEach(document -> calls.add(document.get()));
    for (com.google.api.core.ApiFuture<DocumentSnapshot> call : calls) {
      call.get(1, TimeUnit.MINUTES).getData();
    }
  }
}
