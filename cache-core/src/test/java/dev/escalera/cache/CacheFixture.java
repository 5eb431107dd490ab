package dev.escalera.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;

/** Makes the caches of a test, and closes them after it; a backend says how one is made. */
public abstract class CacheFixture {
  protected static final Duration MINUTE = Duration.ofMinutes(1);

  /** A name of its own keeps each test apart in a store. */
  protected final String name = "cache-" + UUID.randomUUID();

  private final List<TieredCache<?, ?>> opened = new ArrayList<>();
  protected final ExecutorService threads = Executors.newCachedThreadPool();

  /** Makes a cache with a budget that no test exceeds. */
  protected abstract TieredCache<String, String> create(String name, Duration ttl);

  protected final TieredCache<String, String> open(String name, Duration ttl) {
    return ready(create(name, ttl));
  }

  protected final TieredCache<String, String> open() {
    return open(name, MINUTE);
  }

  protected final <K, V> TieredCache<K, V> ready(TieredCache<K, V> cache) {
    opened.add(cache);
    Await.until("the cache listens", () -> !cache.stats().fenced());
    return cache;
  }

  @AfterEach
  void close_all() {
    opened.forEach(TieredCache::close);
    threads.shutdownNow();
  }

  /** Loads "old", does something meanwhile, and returns what the load returned. */
  protected final String raced(TieredCache<String, String> cache, Runnable meanwhile)
      throws Exception {
    CountDownLatch loading = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    Future<String> load =
        threads.submit(
            () ->
                cache.get(
                    "k",
                    key -> {
                      loading.countDown();
                      await(go);
                      return "old";
                    }));
    await(loading);
    meanwhile.run();
    go.countDown();
    return load.get(20, TimeUnit.SECONDS);
  }

  /** Writes; the Firestore emulator fails some of those that meet at one document. */
  protected static void attempt(Runnable write) {
    try {
      write.run();
    } catch (CacheException e) {
      // Whether it was carried out or not, the tiers have to agree.
      assertThat(e.getCause()).isNotNull();
    }
  }

  protected static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  protected static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted", e);
    }
  }
}
