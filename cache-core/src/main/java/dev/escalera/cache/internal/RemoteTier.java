package dev.escalera.cache.internal;

import dev.escalera.cache.ValueCodec;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** The second tier, in values. The host's codec never runs on a driver's thread. */
final class RemoteTier<V> {
  private final Store store;
  private final ValueCodec<V> codec;
  private final Counters counters;

  RemoteTier(Store store, ValueCodec<V> codec, Counters counters) {
    this.store = store;
    this.codec = codec;
    this.counters = counters;
  }

  /** Looks a value up; does not fail where the store does. */
  CompletableFuture<Lookup<V>> read(
      Address address, Store.Mode mode, Budget budget, Executor executor) {
    long sent = System.nanoTime();
    return budget
        .spend(counters.storeReads, () -> store.read(address, mode))
        .handleAsync(
            (found, failure) ->
                failure != null ? new Lookup<V>(null, 0, null) : decode(found, sent),
            executor)
        .thenCompose(
            lookup ->
                lookup != null
                    ? CompletableFuture.completedFuture(lookup)
                    : mode == Store.Mode.READ
                        ? read(address, Store.Mode.CLAIM, budget, executor)
                        : CompletableFuture.completedFuture(new Lookup<V>(null, 0, null)));
  }

  /**
   * Fills a loaded value in; true if the store holds it, false if it refused it, null if unknown.
   */
  CompletableFuture<@Nullable Boolean> fill(
      Address address, Object version, V value, Duration ttl, Budget budget) {
    byte[] envelope = encode(value, Nonces.next());
    if (envelope.length > store.maxBytes()) {
      counters.oversized.increment();
      return CompletableFuture.completedFuture(null);
    }
    return budget
        .spend(counters.storeWrites, () -> store.fill(address, version, envelope, ttl))
        .handle(
            (accepted, failure) -> {
              if (failure != null) {
                return null;
              }
              if (!accepted) {
                counters.fillsRefused.increment();
              }
              return accepted;
            });
  }

  CompletableFuture<Void> put(
      Address address, byte[] envelope, Duration ttl, long nonce, Budget budget) {
    if (envelope.length > store.maxBytes()) {
      // What the store holds is outdated all the same.
      counters.oversized.increment();
      return invalidate(address, nonce, budget);
    }
    return budget.spend(counters.storeWrites, () -> store.put(address, envelope, ttl, nonce));
  }

  CompletableFuture<Void> invalidate(Address address, long nonce, Budget budget) {
    return budget.spend(counters.storeWrites, () -> store.invalidate(address, nonce));
  }

  byte[] encode(V value, long nonce) {
    try {
      return Envelope.wrap(nonce, codec.encode(value));
    } catch (Exception e) {
      throw new IllegalArgumentException("the value cannot be encoded", e);
    }
  }

  boolean isAvailable() {
    return store.isAvailable();
  }

  void close() {
    store.close();
  }

  /** Returns null if there is a value that cannot be read. */
  private @Nullable Lookup<V> decode(Found found, long sent) {
    byte[] envelope = found.envelope();
    if (envelope == null) {
      return new Lookup<>(null, 0, found.version());
    }
    try {
      V value = codec.decode(Envelope.unwrap(envelope));
      if (value != null) {
        long age = System.nanoTime() - sent;
        return new Lookup<>(value, found.remaining().toNanos() - age, null);
      }
    } catch (Exception | StackOverflowError | LinkageError e) {
      // Whatever it is that cannot be read, the loader can tell the value.
    }
    counters.decodeFailures.increment();
    return null;
  }

  /** A value and how long it lives, or perhaps a version to fill one in under. */
  record Lookup<V>(@Nullable V value, long ttlNanos, @Nullable Object version) {}
}
