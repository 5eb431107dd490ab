package dev.escalera.cache.internal;

import dev.escalera.cache.CacheException;
import dev.escalera.cache.CacheMaintenance;
import dev.escalera.cache.CacheOptions;
import dev.escalera.cache.CacheStats;
import dev.escalera.cache.EntryOptions;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import dev.escalera.cache.internal.Flights.AbandonedException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The cache, whatever its store. */
public final class TieredCacheEngine<K, V> implements TieredCache<K, V> {
  private static final Logger log = LoggerFactory.getLogger(TieredCacheEngine.class);

  /** How many keys of a bulk call are in flight at once. */
  private static final int BULK = 256;

  private static final long SWEEP_NANOS = 30_000_000_000L;

  private final CacheOptions<K, V> options;
  private final Platform platform;
  private final Counters counters = new Counters();
  private final OwnChanges ownChanges = new OwnChanges();
  private final Waiters waiters;
  private final Lease lease;
  private final LocalTier<K, V> local;
  private final @Nullable RemoteTier<V> remote;
  private final Pending pending;
  private final Reader<K, V> reader;
  private final @Nullable Recovery<K, V> recovery;
  private final Writer<K, V> writer;
  final BulkReader<K, V> bulk;
  private final Maintenance<K, V> maintenance;
  private final @Nullable Meters meters;

  /** Read by each call. */
  private volatile boolean closed;

  TieredCacheEngine(
      CacheOptions<K, V> options,
      Address.Book<K> addresses,
      @Nullable Store store,
      @Nullable ValueCodec<V> codec,
      Lease lease,
      Platform platform,
      Rules rules) {
    this.options = options;
    this.platform = platform;
    this.lease = lease;
    this.waiters = new Waiters(platform);
    this.local = new LocalTier<>(options, lease, platform, rules);
    this.pending = new Pending(platform, this::repeat);
    TagBook tags = new TagBook(local, store, pending, platform, counters);
    this.remote =
        store == null || codec == null
            ? null
            : new RemoteTier<>(store, codec, options, counters, tags, platform, rules);
    Parts<K, V> parts =
        new Parts<>(options, local, remote, tags, lease, pending, counters, platform, rules);
    Lives<K, V> lives = new Lives<>(options, platform);
    Turns turns = new Turns(options.recoveryRate(), platform);
    Loaders<K> loaders = new Loaders<>();
    Fills<K, V> fills = new Fills<>(parts, lives);
    Loads<K, V> loads = new Loads<>(parts, loaders, turns, fills);
    this.writer = new Writer<>(parts, addresses, ownChanges, lives);
    this.reader = new Reader<>(parts, addresses, waiters, lives, loaders, loads, fills);
    this.bulk = new BulkReader<>(parts, addresses, reader, loaders, loads, fills, turns);
    this.recovery =
        remote == null ? null : new Recovery<>(parts, addresses, remote, turns, reader::peek);
    this.maintenance = new Maintenance<>(this, local, remote, pending, lease, counters, platform);
    this.meters =
        options.meterRegistry() == null
            ? null
            : new Meters(options.meterRegistry(), options.name(), counters, this::stats);
    platform.after(sweepNanos(), this::sweep);
  }

  /** Makes a cache of one tier. */
  public static <K, V> TieredCache<K, V> local(CacheOptions<K, V> options, LongSupplier ticker) {
    Platform platform = Platform.system(ticker);
    Lease lease = new Lease(platform);
    lease.open(lease.never());
    return new TieredCacheEngine<>(
        options, Address.local(), null, null, lease, platform, new Rules());
  }

  /** Makes a cache of two tiers and starts to listen to the store. */
  public static <K, V> TieredCache<K, V> remote(
      CacheOptions<K, V> options,
      Address.Book<K> addresses,
      ValueCodec<V> codec,
      Store store,
      Platform platform) {
    return remote(options, addresses, codec, store, platform, new Rules());
  }

  static <K, V> TieredCacheEngine<K, V> remote(
      CacheOptions<K, V> options,
      Address.Book<K> addresses,
      ValueCodec<V> codec,
      Store store,
      Platform platform,
      Rules rules) {
    TieredCacheEngine<K, V> cache =
        new TieredCacheEngine<>(options, addresses, store, codec, store.lease(), platform, rules);
    store.start(cache.new Listener());
    return cache;
  }

  @Override
  public @Nullable V getIfPresent(K key) {
    Entry<V> hit = hit(key);
    if (hit != null) {
      return hit.value;
    }
    CallerThread caller = new CallerThread(platform);
    Outcome<V> outcome = await("get", key, caller, reader.peek(key, caller));
    if (outcome == null) {
      counters.misses.increment();
      return null;
    }
    return count(outcome);
  }

  @Override
  public @Nullable V get(K key, Function<? super K, ? extends @Nullable V> loader) {
    Objects.requireNonNull(loader, "loader");
    Entry<V> hit = hit(key);
    if (hit != null) {
      if (platform.nanos() - hit.early >= 0) {
        reader.refresh(key, hit, blocking(loader));
      }
      return hit.value;
    }
    CallerThread caller = new CallerThread(platform);
    return count(
        await("get", key, caller, attempt(() -> reader.fly(key, blocking(loader), caller))));
  }

  @Override
  public CompletionStage<@Nullable V> getAsync(
      K key, Function<? super K, ? extends CompletionStage<? extends @Nullable V>> loader) {
    Objects.requireNonNull(loader, "loader");
    Entry<V> hit = hit(key);
    Loader<K, V> loads =
        same ->
            Objects.requireNonNull(loader.apply(same), "the loader returned no stage")
                .<@Nullable V>thenApply(value -> value)
                .toCompletableFuture();
    if (hit != null) {
      reader.refresh(key, hit, loads);
      return CompletableFuture.completedFuture(hit.value);
    }
    return handOut(
        "get", key, attempt(() -> reader.fly(key, loads, platform.executor())), this::count);
  }

  @Override
  public Map<K, V> getAll(
      Collection<? extends K> keys, Function<? super Set<K>, ? extends Map<K, V>> loader) {
    Objects.requireNonNull(loader, "loader");
    checkOpen();
    BulkReader<K, V>.Call call = bulk.call(keys, loader);
    CallerThread reads = new CallerThread(platform);
    CompletableFuture<?> read = call.read(reads);
    // Where L1 has all there is nothing to wait for.
    if (!read.isDone() || read.isCompletedExceptionally()) {
      await("get", keys.size() + " keys", reads, read);
    }
    if (call.isComplete()) {
      return call.found();
    }
    CallerThread loads = new CallerThread(platform);
    Map<K, CompletableFuture<Outcome<V>>> running = call.load(loads);
    CompletableFuture<?> all =
        CompletableFuture.allOf(running.values().toArray(new CompletableFuture<?>[0]))
            .handle((done, failure) -> true);
    await("get", running.size() + " keys", loads, all);
    @Nullable CacheException failed = null;
    for (Map.Entry<K, CompletableFuture<Outcome<V>>> each : running.entrySet()) {
      try {
        call.loaded(each.getKey(), count(each.getValue().join()));
      } catch (CompletionException | CancellationException e) {
        if (failed == null) {
          failed =
              new CacheException(
                  "cannot get some of " + running.size() + " keys, cache " + printedName(),
                  cause(e));
        }
        failed.addSuppressed(failure("cannot get", each.getKey(), e));
      }
    }
    if (failed != null) {
      throw failed;
    }
    return call.found();
  }

  @Override
  public void put(K key, V value, EntryOptions entry) {
    CallerThread caller = new CallerThread(platform);
    await("put", key, caller, attempt(() -> change(key, value, entry)));
  }

  @Override
  public CompletionStage<@Nullable Void> putAsync(K key, V value, EntryOptions entry) {
    return handOut("put", key, attempt(() -> change(key, value, entry)), Function.identity());
  }

  private CompletableFuture<@Nullable Void> change(K key, V value, EntryOptions entry) {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(value, "value");
    Objects.requireNonNull(entry, "options");
    checkOpen();
    return writer.put(key, value, entry);
  }

  @Override
  public void invalidate(K key) {
    CallerThread caller = new CallerThread(platform);
    await("invalidate", key, caller, drop(key));
  }

  @Override
  public CompletionStage<@Nullable Void> invalidateAsync(K key) {
    return handOut("invalidate", key, drop(key), Function.identity());
  }

  private CompletableFuture<@Nullable Void> drop(K key) {
    Objects.requireNonNull(key, "key");
    checkOpen();
    return writer.invalidate(key);
  }

  @Override
  public void invalidateAll(Collection<? extends K> keys) {
    List<K> all = List.copyOf(keys);
    @Nullable RuntimeException failed = null;
    for (int from = 0; from < all.size(); from += BULK) {
      List<K> chunk = all.subList(from, Math.min(from + BULK, all.size()));
      List<CompletableFuture<@Nullable Void>> running = new ArrayList<>();
      for (K key : chunk) {
        running.add(drop(key));
      }
      for (int i = 0; i < chunk.size(); i++) {
        try {
          CallerThread caller = new CallerThread(platform);
          await("invalidate", chunk.get(i), caller, running.get(i));
        } catch (CacheException e) {
          failed = failed == null ? e : failed;
        }
      }
    }
    if (failed != null) {
      throw failed;
    }
  }

  @Override
  public void invalidateTag(String tag) {
    Objects.requireNonNull(tag, "tag");
    checkOpen();
    CallerThread caller = new CallerThread(platform);
    await("invalidate tag", tag, caller, writer.invalidateTag(tag));
  }

  @Override
  public CompletionStage<@Nullable Void> invalidateTagAsync(String tag) {
    Objects.requireNonNull(tag, "tag");
    checkOpen();
    return handOut("invalidate tag", tag, writer.invalidateTag(tag), Function.identity());
  }

  @Override
  public CacheStats stats() {
    return new CacheStats(
        counters.l1Hits.sum(),
        counters.l2Hits.sum(),
        counters.misses.sum(),
        counters.outageHits.sum(),
        counters.staleServed.sum(),
        counters.loads.sum(),
        counters.loadFailures.sum(),
        Duration.ofNanos(counters.loadNanos.sum()),
        counters.earlyRefreshes.sum(),
        counters.revalidated.sum(),
        local.size(),
        remote == null || remote.store().isAvailable(),
        !lease.holds(platform.nanos()),
        Duration.ofNanos(lease.fencedNanos()),
        pending.size(),
        counters.decodeFailures.sum(),
        counters.fillsRefused.sum(),
        counters.oversized.sum(),
        counters.storeReads.sum(),
        counters.storeWrites.sum(),
        counters.storeFailures.sum(),
        counters.budgetExceeded.sum(),
        counters.bytesBefore.sum(),
        counters.bytesAfter.sum(),
        counters.staleDetected.sum());
  }

  @Override
  public CacheMaintenance<K, V> maintenance() {
    checkOpen();
    return maintenance;
  }

  @Override
  public void close() {
    boolean first;
    synchronized (local) {
      first = !closed;
      closed = true;
    }
    if (first) {
      if (meters != null) {
        meters.close();
      }
      if (!pending.isEmpty()) {
        log.warn("cache {}: closed with {} invalidations pending", printedName(), pending.size());
      }
      pending.close();
      local.clear();
      if (remote != null) {
        remote.store().close();
      }
    }
  }

  private CompletableFuture<?> repeat(Pending.Item item) {
    return writer.repeat(item);
  }

  /** Whether L2 has not confirmed an invalidation of a key, or of a tag, yet. */
  boolean isPending(Address address, boolean tag) {
    return pending.contains(new Pending.Item(address, tag));
  }

  private void sweep() {
    if (!closed) {
      platform
          .executor()
          .execute(
              () -> {
                local.sweep(platform.nanos());
                platform.after(sweepNanos(), this::sweep);
              });
    }
  }

  private long sweepNanos() {
    return Math.max(1_000_000_000L, Math.min(SWEEP_NANOS, options.l1Ttl().toNanos()));
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("cache " + printedName() + " is closed");
    }
  }

  private @Nullable Entry<V> hit(K key) {
    Objects.requireNonNull(key, "key");
    checkOpen();
    return reader.hit(key, platform.nanos());
  }

  private static <K, V> Loader<K, V> blocking(Function<? super K, ? extends @Nullable V> loader) {
    return key -> CompletableFuture.completedFuture(loader.apply(key));
  }

  private @Nullable V count(Outcome<V> outcome) {
    LongAdder counter = outcome.counter();
    if (counter != null) {
      counter.increment();
    }
    return outcome.value();
  }

  /** Makes of what the cache refuses a failure that names the operation, but not of bad input. */
  private static <T> CompletableFuture<T> attempt(Supplier<CompletableFuture<T>> operation) {
    try {
      return operation.get();
    } catch (RefusedException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  private <T> T await(
      String operation, Object key, CallerThread caller, CompletableFuture<T> result) {
    try {
      return caller.await(result);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failure("interrupted in " + operation, key, e);
    } catch (ExecutionException | CancellationException e) {
      throw failure("cannot " + operation, key, e);
    }
  }

  /** Gives a future to the host: one of its own, which completes on no driver's thread. */
  private <T, R> CompletableFuture<R> handOut(
      String operation, Object key, CompletableFuture<T> result, Function<T, R> last) {
    CompletableFuture<R> given = new CompletableFuture<>();
    result.whenCompleteAsync(
        (value, failure) -> {
          if (failure == null) {
            given.complete(last.apply(value));
          } else {
            given.completeExceptionally(failure("cannot " + operation, key, failure));
          }
        },
        platform.executor());
    return given;
  }

  private CacheException failure(String what, Object key, Throwable failure) {
    String place = printedName() + ", key " + Keys.printable(key);
    Throwable cause = cause(failure);
    String why = cause instanceof RefusedException ? ": " + cause.getMessage() : "";
    return new CacheException(what + ", cache " + place + why, cause);
  }

  /** Returns what the host is told of as the cause. */
  private static Throwable cause(Throwable failure) {
    Throwable cause = Futures.unwrap(failure);
    if (cause instanceof ExecutionException && cause.getCause() != null) {
      cause = Futures.unwrap(cause.getCause());
    }
    if (cause instanceof AbandonedException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  private String printedName() {
    return Keys.printable(options.name());
  }

  /** Hears of the changes that other nodes make. */
  private final class Listener implements Coherence {
    @Override
    public void changed(long hash, long nonce) {
      if (!ownChanges.take(nonce)) {
        local.change(hash);
      }
      waiters.wake(hash);
    }

    @Override
    public void loaded(long hash) {
      waiters.wake(hash);
    }

    @Override
    public void fenced() {
      ownChanges.clear();
    }

    @Override
    public void opened(boolean resumed) {
      Recovery<K, V> recovers = recovery;
      if (recovers != null) {
        recovers.opened(resumed);
      }
    }

    @Override
    public void spent(int reads, int writes) {
      counters.storeReads.add(reads);
      counters.storeWrites.add(writes);
    }
  }
}
