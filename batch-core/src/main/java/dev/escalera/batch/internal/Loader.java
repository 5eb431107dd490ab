package dev.escalera.batch.internal;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.BatchLoader;
import dev.escalera.batch.LoaderOptions;
import dev.escalera.batch.LoaderStats;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The loader itself, over any lookup. One lock guards the keys that wait. */
public final class Loader<K, V> implements BatchLoader<K, V> {
  private final String name;
  private final LoaderOptions options;
  private final Lookup<K, V> lookup;
  private final Scheduler scheduler;
  private final Callbacks callbacks;

  private final LongAdder asked = new LongAdder();
  private final LongAdder calls = new LongAdder();
  private final LongAdder keys = new LongAdder();
  private final LongAdder failed = new LongAdder();

  private final ReentrantLock lock = new ReentrantLock();

  /** Who waits for which key, in the order in which the keys were asked for first. */
  private final Map<K, List<CompletableFuture<Optional<V>>>> waiting = new LinkedHashMap<>();

  private int inFlight;
  private boolean lingerOver;
  private boolean lingerTimed;
  private boolean closed;

  public Loader(String name, LoaderOptions options, Lookup<K, V> lookup) {
    this(name, options, lookup, Scheduler.start("escalera-batch-loader"));
  }

  Loader(String name, LoaderOptions options, Lookup<K, V> lookup, Scheduler scheduler) {
    this.name = name;
    this.options = options;
    this.lookup = lookup;
    this.scheduler = scheduler;
    this.callbacks = new Callbacks(options.callbacks(), name);
  }

  @Override
  public CompletableFuture<Optional<V>> load(K key) {
    Objects.requireNonNull(key, "key");
    Caller caller = new Caller(key);
    Map<K, List<CompletableFuture<Optional<V>>>> batch;
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException(name + " is closed");
      }
      List<CompletableFuture<Optional<V>>> callers = waiting.get(key);
      if (callers == null) {
        if (waiting.size() >= options.maxPending()) {
          throw new BatchException(name + " has no room: " + waiting.size() + " keys wait", null);
        }
        callers = new ArrayList<>(1);
        waiting.put(key, callers);
      }
      callers.add(caller);
      batch = nextBatch();
    } finally {
      lock.unlock();
    }
    asked.increment();
    if (!batch.isEmpty()) {
      send(batch);
      dispatch();
    }
    return caller;
  }

  /** One who waits for a key. */
  private final class Caller extends CompletableFuture<Optional<V>> {
    private final K key;

    Caller(K key) {
      this.key = key;
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
      boolean cancelled = super.cancel(mayInterruptIfRunning);
      if (cancelled) {
        forget(key, this);
      }
      return cancelled;
    }
  }

  @Override
  public LoaderStats stats() {
    return new LoaderStats(asked.sum(), calls.sum(), keys.sum(), failed.sum());
  }

  @Override
  public void close() {
    List<CompletableFuture<Optional<V>>> abandoned = new ArrayList<>();
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      waiting.values().forEach(abandoned::addAll);
      waiting.clear();
    } finally {
      lock.unlock();
    }
    abandoned.forEach(caller -> caller.cancel(false));
    scheduler.close();
    lookup.close();
  }

  private void forget(K key, CompletableFuture<Optional<V>> caller) {
    lock.lock();
    try {
      List<CompletableFuture<Optional<V>>> callers = waiting.get(key);
      if (callers != null && callers.removeIf(each -> each == caller) && callers.isEmpty()) {
        waiting.remove(key);
      }
    } finally {
      lock.unlock();
    }
  }

  private void dispatch() {
    while (true) {
      Map<K, List<CompletableFuture<Optional<V>>>> batch;
      lock.lock();
      try {
        batch = nextBatch();
      } finally {
        lock.unlock();
      }
      if (batch.isEmpty()) {
        return;
      }
      send(batch);
    }
  }

  private Map<K, List<CompletableFuture<Optional<V>>>> nextBatch() {
    boolean full = waiting.size() >= options.maxBatchSize();
    if (waiting.isEmpty() || inFlight >= options.maxConcurrentBatches()) {
      return Map.of();
    }
    if (!full && !lingerOver && !options.linger().isZero()) {
      timeLinger();
      return Map.of();
    }
    Map<K, List<CompletableFuture<Optional<V>>>> batch = new LinkedHashMap<>();
    Iterator<Map.Entry<K, List<CompletableFuture<Optional<V>>>>> next =
        waiting.entrySet().iterator();
    while (next.hasNext() && batch.size() < options.maxBatchSize()) {
      Map.Entry<K, List<CompletableFuture<Optional<V>>>> entry = next.next();
      batch.put(entry.getKey(), entry.getValue());
      next.remove();
    }
    lingerOver = lingerOver && !waiting.isEmpty();
    inFlight++;
    return batch;
  }

  private void timeLinger() {
    if (lingerTimed) {
      return;
    }
    lingerTimed = true;
    scheduler.after(
        options.linger().toNanos(),
        () -> {
          lock.lock();
          try {
            lingerTimed = false;
            lingerOver = !waiting.isEmpty();
          } finally {
            lock.unlock();
          }
          dispatch();
        });
  }

  private void send(Map<K, List<CompletableFuture<Optional<V>>>> batch) {
    calls.increment();
    keys.add(batch.size());
    List<K> asked = List.copyOf(batch.keySet());
    CompletableFuture<List<Lookup.Found<V>>> found;
    try {
      found = lookup.load(asked);
    } catch (RuntimeException e) {
      found = CompletableFuture.failedFuture(e);
    }
    found.whenComplete((values, failure) -> answered(batch, values, failure));
  }

  private void answered(
      Map<K, List<CompletableFuture<Optional<V>>>> batch,
      @Nullable List<Lookup.Found<V>> values,
      @Nullable Throwable failure) {
    lock.lock();
    try {
      inFlight--;
    } finally {
      lock.unlock();
    }
    callbacks.run(callbacks.announce(), () -> complete(batch, values, failure));
    dispatch();
  }

  private void complete(
      Map<K, List<CompletableFuture<Optional<V>>>> batch,
      @Nullable List<Lookup.Found<V>> values,
      @Nullable Throwable failure) {
    int i = 0;
    for (Map.Entry<K, List<CompletableFuture<Optional<V>>>> entry : batch.entrySet()) {
      Lookup.Found<V> found = found(values, failure, i++);
      if (found.failure() == null) {
        Optional<V> value = Optional.ofNullable(found.value());
        entry.getValue().forEach(caller -> caller.complete(value));
      } else {
        failed.increment();
        BatchException said =
            new BatchException(
                name + " cannot read " + entry.getKey() + ": " + found.failure().getMessage(),
                found.failure());
        entry.getValue().forEach(caller -> caller.completeExceptionally(said));
      }
    }
  }

  private static <V> Lookup.Found<V> found(
      @Nullable List<Lookup.Found<V>> values, @Nullable Throwable failure, int i) {
    if (values != null && i < values.size()) {
      return values.get(i);
    }
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return new Lookup.Found<>(
        null, cause == null ? new IllegalStateException("the answer has no such key") : cause);
  }
}
