package dev.escalera.cache.redis;

import com.google.cloud.firestore.FirestoreOptions;
import dev.escalera.cache.Await;
import dev.escalera.cache.KeyCodec;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import dev.escalera.cache.firestore.FirestoreTieredCache;
import io.lettuce.core.RedisClient;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A process in which many threads ask for a key at once. */
final class LoadNode {
  static final int THREADS = 64;
  static final Duration LEASE = Duration.ofSeconds(3);

  private LoadNode() {}

  /** Runs a node; its arguments are the kind of the store, its address and the cache's name. */
  public static void main(String[] args) throws Exception {
    TieredCache<String, String> cache =
        args[0].equals("redis") ? redis(args[1], args[2]) : firestore(args[1], args[2]);
    // The first call of a JVM is slow.
    cache.get("warm", key -> "up");
    Await.until("the cache listens", () -> !cache.stats().fenced());
    say("ready");
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ", -1);
      if (words[0].equals("hold")) {
        new Thread(() -> cache.get(words[1], LoadNode::hold)).start();
      } else {
        get(cache, words[1]);
      }
    }
  }

  private static TieredCache<String, String> redis(String uri, String name) {
    return RedisTieredCache.builder(
            RedisClient.create(uri),
            name,
            Duration.ofMinutes(1),
            KeyCodec.string(),
            ValueCodec.string())
        .remoteBudget(Duration.ofSeconds(20))
        .loadLease(LEASE)
        .build();
  }

  private static TieredCache<String, String> firestore(String address, String name) {
    return FirestoreTieredCache.builder(
            FirestoreOptions.newBuilder()
                .setProjectId(name)
                .setEmulatorHost(address)
                .build()
                .getService(),
            name,
            Duration.ofMinutes(1),
            KeyCodec.string(),
            ValueCodec.string())
        .remoteBudget(Duration.ofSeconds(20))
        .loadLease(LEASE)
        .build();
  }

  private static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  private static String hold(String key) {
    say("loading");
    try {
      TimeUnit.DAYS.sleep(1);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return "too late";
  }

  /** Prints how many loads there were here, and what came. */
  private static void get(TieredCache<String, String> cache, String key)
      throws InterruptedException {
    AtomicInteger loads = new AtomicInteger();
    Set<String> values = ConcurrentHashMap.newKeySet();
    CountDownLatch start = new CountDownLatch(1);
    Thread[] threads = new Thread[THREADS];
    for (int i = 0; i < THREADS; i++) {
      threads[i] =
          new Thread(
              () -> {
                try {
                  start.await();
                  values.add(
                      cache.get(
                          key,
                          same -> {
                            loads.incrementAndGet();
                            return slow();
                          }));
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
              });
      threads[i].start();
    }
    start.countDown();
    for (Thread thread : threads) {
      thread.join();
    }
    say("got " + loads + " " + String.join(",", values));
  }

  private static String slow() {
    try {
      TimeUnit.MILLISECONDS.sleep(100);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return "v" + System.nanoTime();
  }
}
