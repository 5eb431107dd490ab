package dev.escalera.cache.internal;

import dev.escalera.cache.CacheException;
import dev.escalera.cache.CacheOptions;
import dev.escalera.cache.CacheStats;
import dev.escalera.cache.TieredCache;
import dev.escalera.cache.ValueCodec;
import dev.escalera.cache.internal.Flights.AbandonedException;
import dev.escalera.cache.internal.Flights.Flight;
import dev.escalera.cache.internal.LocalTier.Mark;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The cache, whatever its store. */
public final class TieredCacheEngine<K, V> implements TieredCache<K, V> {
  private static final Logger log = LoggerFactory.getLogger(TieredCacheEngine.class);

  /** How many keys of a bulk call are in flight at once. */
  private static final int BULK = 256;

  private final CacheOptions options;
  private final Address.Book<K> addresses;
  private final Counters counters = new Counters();
  private final Flights<K, V> flights = new Flights<>();
  private final OwnChanges ownChanges = new OwnChanges();
  private final Executor executor = new CompletableFuture<Void>().defaultExecutor();
  private final LocalTier<K, V> local;
  private final @Nullable RemoteTier<V> remote;
  private final AtomicBoolean closed = new AtomicBoolean();

  private TieredCacheEngine(
      CacheOptions options,
      Address.Book<K> addresses,
      @Nullable Store store,
      @Nullable ValueCodec<V> codec,
      LongSupplier ticker) {
    this.options = options;
    this.addresses = addresses;
    this.local = new LocalTier<>(options.l1MaximumSize(), ticker, executor);
    this.remote = store == null || codec == null ? null : new RemoteTier<>(store, codec, counters);
  }

  /** Makes a cache of one tier. */
  public static <K, V> TieredCache<K, V> local(CacheOptions options, LongSupplier ticker) {
    TieredCacheEngine<K, V> cache =
        new TieredCacheEngine<>(options, Address.local(), null, null, ticker);
    cache.local.open();
    return cache;
  }

  /** Makes a cache of two tiers and starts to listen to the store. */
  public static <K, V> TieredCache<K, V> remote(
      CacheOptions options,
      Address.Book<K> addresses,
      ValueCodec<V> codec,
      Store store,
      LongSupplier ticker) {
    TieredCacheEngine<K, V> cache =
        new TieredCacheEngine<>(options, addresses, store, codec, ticker);
    store.start(cache.new Listener());
    return cache;
  }

  @Override
  public @Nullable V getIfPresent(K key) {
    V hit = hit(key);
    if (hit != null) {
      return hit;
    }
    if (remote == null) {
      counters.misses.increment();
      return null;
    }
    Address address = addresses.of(key);
    Mark mark = local.mark(address.hash());
    CallerThread caller = new CallerThread(executor);
    V value =
        await(
            "get",
            key,
            caller,
            remote
                .read(address, Store.Mode.PEEK, budget(), caller)
                .thenApply(lookup -> keep(key, mark, lookup)));
    (value != null ? counters.l2Hits : counters.misses).increment();
    return value;
  }

  @Override
  public @Nullable V get(K key, Function<? super K, ? extends @Nullable V> loader) {
    Objects.requireNonNull(loader, "loader");
    V hit = hit(key);
    if (hit != null) {
      return hit;
    }
    CallerThread caller = new CallerThread(executor);
    CompletableFuture<Outcome<V>> result =
        fly(key, k -> CompletableFuture.completedFuture(loader.apply(k)), caller);
    return count(await("get", key, caller, result));
  }

  @Override
  public CompletionStage<@Nullable V> getAsync(
      K key, Function<? super K, ? extends CompletionStage<? extends @Nullable V>> loader) {
    Objects.requireNonNull(loader, "loader");
    V hit = hit(key);
    return hit != null
        ? CompletableFuture.completedFuture(hit)
        : handOut("get", key, fly(key, loader, executor), this::count);
  }

  @Override
  public void put(K key, V value) {
    CallerThread caller = new CallerThread(executor);
    await("put", key, caller, change(key, Objects.requireNonNull(value, "value")));
  }

  @Override
  public CompletionStage<@Nullable Void> putAsync(K key, V value) {
    Objects.requireNonNull(value, "value");
    return handOut("put", key, change(key, value), Function.identity());
  }

  @Override
  public void invalidate(K key) {
    CallerThread caller = new CallerThread(executor);
    await("invalidate", key, caller, change(key, null));
  }

  @Override
  public CompletionStage<@Nullable Void> invalidateAsync(K key) {
    return handOut("invalidate", key, change(key, null), Function.identity());
  }

  @Override
  public void invalidateAll(Collection<? extends K> keys) {
    List<K> all = List.copyOf(keys);
    @Nullable RuntimeException failed = null;
    for (int from = 0; from < all.size(); from += BULK) {
      List<K> chunk = all.subList(from, Math.min(from + BULK, all.size()));
      List<CompletableFuture<Void>> running = new ArrayList<>();
      for (K key : chunk) {
        running.add(change(key, null));
      }
      for (int i = 0; i < chunk.size(); i++) {
        try {
          await("invalidate", chunk.get(i), new CallerThread(executor), running.get(i));
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
  public CacheStats stats() {
    return new CacheStats(
        counters.l1Hits.sum(),
        counters.l2Hits.sum(),
        counters.misses.sum(),
        counters.loads.sum(),
        counters.loadFailures.sum(),
        Duration.ofNanos(counters.loadNanos.sum()),
        local.size(),
        remote == null || remote.isAvailable(),
        local.isFenced(),
        counters.decodeFailures.sum(),
        counters.fillsRefused.sum(),
        counters.oversized.sum(),
        counters.storeReads.sum(),
        counters.storeWrites.sum(),
        counters.storeFailures.sum(),
        counters.budgetExceeded.sum());
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      local.fence();
      if (remote != null) {
        remote.close();
      }
    }
  }

  private void checkOpen() {
    if (closed.get()) {
      throw new IllegalStateException("cache " + Keys.printable(options.name()) + " is closed");
    }
  }

  private @Nullable V hit(K key) {
    Objects.requireNonNull(key, "key");
    checkOpen();
    V value = local.get(key);
    if (value != null) {
      counters.l1Hits.increment();
    }
    return value;
  }

  private @Nullable V count(Outcome<V> outcome) {
    outcome.counter().increment();
    return outcome.value();
  }

  /** Joins the flight that runs for a key, or starts one whose steps the executor runs. */
  private CompletableFuture<Outcome<V>> fly(
      K key,
      Function<? super K, ? extends CompletionStage<? extends @Nullable V>> loader,
      Executor steps) {
    Address address = addresses.of(key);
    Flight<V> own = new Flight<>(local.mark(address.hash()));
    Flight<V> flight = flights.join(key, own);
    if (flight == own) {
      try {
        start(key, address, own, loader, steps);
      } catch (Throwable e) {
        // An Error too: a flight that never ends would hold all who join it.
        own.result.completeExceptionally(e);
      }
      return own.result;
    }
    if (flight.loader == Thread.currentThread()) {
      return CompletableFuture.failedFuture(
          new IllegalStateException("the loader asks the cache for the key that it loads"));
    }
    return flight.result.exceptionallyCompose(
        failure ->
            Futures.unwrap(failure) instanceof AbandonedException
                ? CompletableFuture.supplyAsync(() -> fly(key, loader, steps), steps)
                    .thenCompose(again -> again)
                : CompletableFuture.failedFuture(failure));
  }

  private void start(
      K key,
      Address address,
      Flight<V> flight,
      Function<? super K, ? extends CompletionStage<? extends @Nullable V>> loader,
      Executor steps) {
    V value = local.get(key);
    if (value != null) {
      // The flight before this one ended between our look into L1 and here.
      flight.result.complete(new Outcome<>(value, counters.l1Hits));
      return;
    }
    Budget budget = budget();
    CompletableFuture<RemoteTier.Lookup<V>> looked =
        remote == null
            ? CompletableFuture.completedFuture(new RemoteTier.Lookup<V>(null, 0, null))
            : remote.read(address, Store.Mode.READ, budget, steps);
    looked
        .thenComposeAsync(
            lookup -> {
              V found = keep(key, flight.mark, lookup);
              return found != null
                  ? CompletableFuture.completedFuture(new Outcome<>(found, counters.l2Hits))
                  : load(key, flight, loader)
                      .thenComposeAsync(
                          loaded ->
                              store(key, address, flight.mark, lookup.version(), loaded, budget),
                          steps);
            },
            steps)
        .whenComplete(
            (outcome, failure) -> {
              if (failure == null) {
                flight.result.complete(outcome);
              } else {
                flight.result.completeExceptionally(Futures.unwrap(failure));
              }
            });
  }

  private CompletableFuture<@Nullable V> load(
      K key,
      Flight<V> flight,
      Function<? super K, ? extends CompletionStage<? extends @Nullable V>> loader) {
    counters.loads.increment();
    long began = System.nanoTime();
    CompletableFuture<@Nullable V> loaded;
    flight.loader = Thread.currentThread();
    try {
      CompletionStage<? extends @Nullable V> stage =
          Objects.requireNonNull(loader.apply(key), "the loader returned no stage");
      loaded = stage.<@Nullable V>thenApply(value -> value).toCompletableFuture();
    } catch (Throwable e) {
      // An Error too: those who wait for this load must learn of it.
      loaded =
          CompletableFuture.failedFuture(
              Thread.currentThread().isInterrupted() || isInterruption(e)
                  ? new AbandonedException(e)
                  : e);
    } finally {
      flight.loader = null;
    }
    return loaded.whenComplete(
        (value, failure) -> {
          counters.loadNanos.add(System.nanoTime() - began);
          if (failure != null) {
            counters.loadFailures.increment();
          }
        });
  }

  private CompletableFuture<Outcome<V>> store(
      K key,
      Address address,
      Mark mark,
      @Nullable Object version,
      @Nullable V value,
      Budget budget) {
    if (value == null) {
      return CompletableFuture.completedFuture(new Outcome<>(null, counters.misses));
    }
    Duration ttl = jittered();
    CompletableFuture<@Nullable Boolean> filled =
        remote == null || version == null
            ? CompletableFuture.completedFuture(null)
            : remote.fill(address, version, value, ttl, budget);
    return filled.thenApply(
        accepted -> {
          // Where the outcome is unknown, L1 may hold the value: a change would outdate its mark.
          if (!Boolean.FALSE.equals(accepted)) {
            local.store(key, value, mark, l1Nanos(ttl.toNanos()));
          }
          return new Outcome<>(value, counters.misses);
        });
  }

  private @Nullable V keep(K key, Mark mark, RemoteTier.Lookup<V> lookup) {
    V value = lookup.value();
    if (value != null) {
      local.store(key, value, mark, l1Nanos(lookup.ttlNanos()));
    }
    return value;
  }

  /** Puts a value, or invalidates where it is null. */
  private CompletableFuture<@Nullable Void> change(K key, @Nullable V value) {
    checkOpen();
    Address address = addresses.of(key);
    long nonce = Nonces.next();
    byte[] envelope = null;
    if (value != null && remote != null) {
      try {
        envelope = remote.encode(value, nonce);
      } catch (IllegalArgumentException e) {
        return CompletableFuture.failedFuture(e);
      }
    }
    Mark began = local.change(address.hash());
    local.remove(key);
    Duration ttl = jittered();
    if (remote == null) {
      if (value != null) {
        local.store(key, value, began, ttl.toNanos());
      }
      return CompletableFuture.completedFuture(null);
    }
    CompletableFuture<Void> told;
    if (envelope == null) {
      told = remote.invalidate(address, nonce, budget());
    } else {
      if (!local.isFenced()) {
        ownChanges.expect(nonce);
      }
      told = remote.put(address, envelope, ttl, nonce, budget());
    }
    return told.handle(
        (done, failure) -> {
          if (failure != null) {
            // It may be carried out yet: its message is news then.
            ownChanges.take(nonce);
          }
          // What was read while the store changed is outdated, too.
          Mark settled = local.settle(began);
          if (failure != null) {
            throw new CompletionException(Futures.unwrap(failure));
          }
          if (value != null && settled != null) {
            local.store(key, value, settled, l1Nanos(ttl.toNanos()));
          }
          return null;
        });
  }

  private <T> T await(String operation, K key, CallerThread caller, CompletableFuture<T> result) {
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
      String operation, K key, CompletableFuture<T> result, Function<T, R> last) {
    CompletableFuture<R> given = new CompletableFuture<>();
    result.whenCompleteAsync(
        (value, failure) -> {
          if (failure == null) {
            given.complete(last.apply(value));
          } else {
            given.completeExceptionally(failure("cannot " + operation, key, failure));
          }
        },
        executor);
    return given;
  }

  private CacheException failure(String what, K key, Throwable failure) {
    Throwable cause = Futures.unwrap(failure);
    if (cause instanceof ExecutionException && cause.getCause() != null) {
      cause = Futures.unwrap(cause.getCause());
    }
    if (cause instanceof AbandonedException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    String place = Keys.printable(options.name()) + ", key " + Keys.printable(key);
    return new CacheException(what + ", cache " + place, cause);
  }

  private static boolean isInterruption(Throwable failure) {
    for (Throwable e = failure; e != null; e = e.getCause()) {
      if (e instanceof InterruptedException) {
        return true;
      }
    }
    return false;
  }

  private Budget budget() {
    return new Budget(options.remoteBudget(), counters);
  }

  private long l1Nanos(long ttlNanos) {
    return Math.min(ttlNanos, options.l1Ttl().toNanos());
  }

  private Duration jittered() {
    double share = 1 - options.ttlJitter() * ThreadLocalRandom.current().nextDouble();
    return Duration.ofMillis(Math.max(1, (long) (options.ttl().toMillis() * share)));
  }

  /** Hears of the changes that other nodes make. */
  private final class Listener implements Coherence {
    @Override
    public void changed(long hash, long nonce) {
      if (!ownChanges.take(nonce)) {
        local.change(hash);
      }
    }

    @Override
    public void fence() {
      if (local.fence() && !closed.get()) {
        log.warn("cache {}: does not hear of changes, L1 is fenced", name());
      }
      ownChanges.clear();
    }

    @Override
    public void coherent() {
      if (!closed.get() && local.open()) {
        log.info("cache {}: hears of changes, L1 is in use", name());
      }
    }

    private String name() {
      return Keys.printable(options.name());
    }
  }
}
