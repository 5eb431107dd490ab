package dev.escalera.cache.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Invalidations that L2 has not confirmed, repeated until it does: late and double ones are
 * harmless. In memory only, and bounded.
 */
final class Pending {
  private static final int MAX = 100_000;
  private static final int BATCH = 64;
  private static final long PAUSE_NANOS = 250_000_000;

  /** What is repeated. A tag is none of the keys. */
  record Item(Address address, boolean tag) {}

  /** Makes one attempt. */
  @FunctionalInterface
  interface Attempt {
    CompletableFuture<?> make(Item item);
  }

  private final Map<Item, Long> items = new ConcurrentHashMap<>();
  private final AtomicBoolean running = new AtomicBoolean();
  private final Platform platform;
  private final Attempt attempt;
  private volatile boolean closed;

  Pending(Platform platform, Attempt attempt) {
    this.platform = platform;
    this.attempt = attempt;
  }

  /** Keeps an invalidation; returns false if there is no room. */
  boolean add(Item item) {
    if (items.size() >= MAX && !items.containsKey(item)) {
      return false;
    }
    items.put(item, platform.nonce());
    plan();
    return true;
  }

  int size() {
    return items.size();
  }

  boolean isEmpty() {
    return items.isEmpty();
  }

  boolean contains(Item item) {
    return !items.isEmpty() && items.containsKey(item);
  }

  /** Returns what is given to {@link #settle}; null if nothing is pending. */
  @Nullable Long version(Item item) {
    return items.isEmpty() ? null : items.get(item);
  }

  /** Forgets what was pending when a later change began that L2 has confirmed. */
  void settle(Item item, @Nullable Long version) {
    if (version != null) {
      items.remove(item, version);
    }
  }

  /** Makes an attempt now; the future fails if it does. */
  CompletableFuture<@Nullable Void> deliver(Item item) {
    Long version = items.get(item);
    if (version == null) {
      return CompletableFuture.completedFuture(null);
    }
    // What was added again meanwhile is a new invalidation.
    return attempt.make(item).thenAccept(done -> items.remove(item, version));
  }

  void close() {
    closed = true;
  }

  private void plan() {
    if (!closed && running.compareAndSet(false, true)) {
      platform.after(PAUSE_NANOS, () -> platform.executor().execute(this::run));
    }
  }

  private void run() {
    List<CompletableFuture<@Nullable Void>> batch = new ArrayList<>();
    for (Item item : items.keySet()) {
      batch.add(deliver(item));
      if (batch.size() == BATCH) {
        break;
      }
    }
    CompletableFuture.allOf(batch.toArray(new CompletableFuture<?>[0]))
        .whenComplete(
            (done, failure) -> {
              running.set(false);
              if (failure == null && !items.isEmpty()) {
                platform.executor().execute(this::again);
              } else if (!items.isEmpty()) {
                plan();
              }
            });
  }

  private void again() {
    if (!closed && running.compareAndSet(false, true)) {
      run();
    }
  }
}
