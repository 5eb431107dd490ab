package dev.escalera.sharding.local;

import dev.escalera.sharding.internal.Bucket;
import dev.escalera.sharding.internal.CatalogStore;
import dev.escalera.sharding.internal.Entry;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** The catalog in memory. */
final class LocalCatalog implements CatalogStore {
  private final Map<Bucket, Entry> entries = new ConcurrentHashMap<>();
  private final AtomicLong version = new AtomicLong();
  private final Moments moments;
  private byte @Nullable [] secret;

  LocalCatalog(Moments moments) {
    this.moments = moments;
  }

  @Override
  public CompletableFuture<List<Registered>> register(List<Entry> proposed) {
    List<Registered> standing =
        proposed.stream()
            .map(
                entry -> {
                  Entry before = entries.putIfAbsent(entry.bucket(), entry);
                  return new Registered(before == null ? entry : before, before == null);
                })
            .toList();
    version.incrementAndGet();
    return CompletableFuture.completedFuture(standing);
  }

  @Override
  public CompletableFuture<List<Optional<Entry>>> read(List<Bucket> buckets) {
    return CompletableFuture.completedFuture(
        buckets.stream().map(bucket -> Optional.ofNullable(entries.get(bucket))).toList());
  }

  @Override
  public CompletableFuture<Listing> list(String collection, String knownVersion) {
    String now = Long.toString(version.get());
    if (now.equals(knownVersion)) {
      return CompletableFuture.completedFuture(new Listing(now, Optional.empty()));
    }
    List<Entry> all =
        entries.values().stream()
            .filter(entry -> entry.bucket().collection().equals(collection))
            .toList();
    return CompletableFuture.completedFuture(new Listing(now, Optional.of(all)));
  }

  @Override
  public CompletableFuture<Boolean> change(Entry expected, Entry next) {
    boolean changed = entries.replace(expected.bucket(), expected, next);
    version.incrementAndGet();
    return CompletableFuture.completedFuture(changed);
  }

  @Override
  public CompletableFuture<Instant> now() {
    return CompletableFuture.completedFuture(moments.snapshot());
  }

  @Override
  public synchronized CompletableFuture<byte[]> secret(byte[] proposed) {
    byte[] known = secret == null ? proposed : secret;
    secret = known;
    return CompletableFuture.completedFuture(known);
  }
}
