package dev.escalera.batch.internal;

import dev.escalera.batch.BatchException;
import dev.escalera.batch.BatchLoader;
import dev.escalera.batch.LoaderOptions;
import dev.escalera.batch.LoaderStats;
import java.util.ArrayList;
import java.util.Collection;
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
  private Map<K, Caller<K, V>> waiting = new LinkedHashMap<>();

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
    Caller<K, V> caller = new Caller<>(this, key);
    Collection<Caller<K, V>> batch;
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException(name + " is closed");
      }
      add(caller);
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

  private void add(Caller<K, V> caller) {
    Caller<K, V> first = waiting.putIfAbsent(caller.key, caller);
    if (first != null) {
      caller.next = first.next;
      first.next = caller;
    } else if (waiting.size() > options.maxPending()) {
      waiting.remove(caller.key);
      throw new BatchException(name + " has no room: " + options.maxPending() + " keys wait", null);
    }
  }

  /**
   * One who waits for a key. The first one of a key leads to the others. Of a cancelled one the key
   * is not asked for, if no other wants it.
   */
  private static final class Caller<K, V> extends CompletableFuture<Optional<V>> {
    private final Loader<K, V> loader;
    private final K key;

    /** Guarded by the loader's lock until it is sent. */
    private @Nullable Caller<K, V> next;

    Caller(Loader<K, V> loader, K key) {
      this.loader = loader;
      this.key = key;
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
      boolean cancelled = super.cancel(mayInterruptIfRunning);
      if (cancelled) {
        loader.forget(this);
      }
      return cancelled;
    }

    /** Completes all of the key. */
    void answer(Lookup.Found<V> found, String loaderName) {
      if (found.failure() == null) {
        Optional<V> value = Optional.ofNullable(found.value());
        for (Caller<K, V> each = this; each != null; each = each.next) {
          each.complete(value);
        }
        return;
      }
      BatchException said =
          new BatchException(
              loaderName + " cannot read " + key + ": " + found.failure().getMessage(),
              found.failure());
      for (Caller<K, V> each = this; each != null; each = each.next) {
        each.completeExceptionally(said);
      }
    }
  }

  @Override
  public LoaderStats stats() {
    return new LoaderStats(asked.sum(), calls.sum(), keys.sum(), failed.sum());
  }

  @Override
  public void close() {
    Collection<Caller<K, V>> abandoned;
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      abandoned = waiting.values();
      waiting = new LinkedHashMap<>();
    } finally {
      lock.unlock();
    }
    for (Caller<K, V> first : abandoned) {
      for (Caller<K, V> each = first; each != null; each = each.next) {
        each.cancel(false);
      }
    }
    scheduler.close();
    lookup.close();
  }

  private void forget(Caller<K, V> caller) {
    lock.lock();
    try {
      Caller<K, V> first = waiting.get(caller.key);
      if (first == caller) {
        if (first.next == null) {
          waiting.remove(caller.key);
        } else {
          waiting.put(caller.key, first.next);
        }
        return;
      }
      for (Caller<K, V> each = first; each != null; each = each.next) {
        if (each.next == caller) {
          each.next = caller.next;
          return;
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private void dispatch() {
    while (true) {
      Collection<Caller<K, V>> batch;
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

  private Collection<Caller<K, V>> nextBatch() {
    if (waiting.isEmpty() || inFlight >= options.maxConcurrentBatches()) {
      return List.of();
    }
    boolean full = waiting.size() >= options.maxBatchSize();
    if (!full && !lingerOver && !options.linger().isZero()) {
      timeLinger();
      return List.of();
    }
    Collection<Caller<K, V>> batch =
        waiting.size() <= options.maxBatchSize() ? takeAll() : takeFirst();
    lingerOver = lingerOver && !waiting.isEmpty();
    inFlight++;
    return batch;
  }

  private Collection<Caller<K, V>> takeAll() {
    Collection<Caller<K, V>> all = waiting.values();
    waiting = new LinkedHashMap<>(2 * all.size());
    return all;
  }

  private Collection<Caller<K, V>> takeFirst() {
    List<Caller<K, V>> batch = new ArrayList<>(options.maxBatchSize());
    Iterator<Caller<K, V>> next = waiting.values().iterator();
    while (batch.size() < options.maxBatchSize()) {
      batch.add(next.next());
      next.remove();
    }
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

  private void send(Collection<Caller<K, V>> batch) {
    calls.increment();
    keys.add(batch.size());
    List<K> wanted = new ArrayList<>(batch.size());
    batch.forEach(caller -> wanted.add(caller.key));
    CompletableFuture<List<Lookup.Found<V>>> found;
    try {
      found = lookup.load(wanted);
    } catch (RuntimeException e) {
      found = CompletableFuture.failedFuture(e);
    }
    found.whenComplete((values, failure) -> answered(batch, values, failure));
  }

  private void answered(
      Collection<Caller<K, V>> batch,
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
      Collection<Caller<K, V>> batch,
      @Nullable List<Lookup.Found<V>> values,
      @Nullable Throwable failure) {
    int i = 0;
    for (Caller<K, V> caller : batch) {
      Lookup.Found<V> found = found(values, failure, i++);
      if (found.failure() != null) {
        failed.increment();
      }
      caller.answer(found, name);
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
