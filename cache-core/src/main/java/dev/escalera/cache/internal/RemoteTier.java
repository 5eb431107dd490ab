package dev.escalera.cache.internal;

import dev.escalera.cache.CacheOptions;
import dev.escalera.cache.Compression;
import dev.escalera.cache.ValueCodec;
import dev.escalera.cache.internal.Lookup.Kind;
import dev.escalera.cache.internal.TagBook.Known;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** The second tier, in values. The host's codec never runs on a driver's thread. */
final class RemoteTier<V> {
  /** Whatever value there is, it is of no use. */
  static final long ANY = -1;

  private final Store store;
  private final ValueCodec<V> codec;
  private final CacheOptions<?, V> options;
  private final Counters counters;
  private final TagBook tags;
  private final Platform platform;
  private final Rules rules;

  RemoteTier(
      Store store,
      ValueCodec<V> codec,
      CacheOptions<?, V> options,
      Counters counters,
      TagBook tags,
      Platform platform,
      Rules rules) {
    this.rules = rules;
    this.store = store;
    this.codec = codec;
    this.options = options;
    this.counters = counters;
    this.tags = tags;
    this.platform = platform;
  }

  Store store() {
    return store;
  }

  /** Looks a value up; does not fail where the store does. */
  CompletableFuture<Lookup<V>> read(Address address, Budget budget, Executor steps) {
    long sent = platform.nanos();
    return budget
        .spend(counters.storeReads, () -> store.read(List.of(address)))
        .handleAsync(
            (found, failure) ->
                failure == null
                    ? decode(found.get(0), sent, budget)
                    : CompletableFuture.completedFuture(Lookup.<V>of(Kind.UNREACHABLE)),
            steps)
        .thenCompose(lookup -> lookup);
  }

  /** Looks values up; does not fail where the store does. */
  CompletableFuture<List<Lookup<V>>> read(List<Address> addresses, Budget budget, Executor steps) {
    long sent = platform.nanos();
    return budget
        .spend(counters.storeReads, () -> store.read(addresses))
        .thenComposeAsync(
            found -> {
              List<CompletableFuture<Lookup<V>>> decoded = new ArrayList<>();
              for (Found each : found) {
                decoded.add(decode(each, sent, budget));
              }
              return Futures.all(decoded);
            },
            steps)
        .exceptionally(
            failure -> {
              List<Lookup<V>> none = new ArrayList<>();
              addresses.forEach(address -> none.add(Lookup.of(Kind.UNREACHABLE)));
              return none;
            });
  }

  /** Says what an envelope holds that was asked for at a time. */
  CompletableFuture<Lookup<V>> decode(@Nullable Found found, long sent, Budget budget) {
    if (found == null) {
      return CompletableFuture.completedFuture(Lookup.of(Kind.MISSING));
    }
    Envelope envelope;
    V value;
    try {
      envelope = Envelope.read(found.envelope());
      value = envelope.absent() ? null : value(envelope);
    } catch (Exception | StackOverflowError | LinkageError e) {
      // Whatever it is that cannot be read, the loader can tell the value.
      counters.decodeFailures.increment();
      return CompletableFuture.completedFuture(Lookup.of(Kind.UNREADABLE));
    }
    long age =
        Math.max(0, found.now() - found.created()) * 1_000_000
            + Math.max(0, platform.nanos() - sent);
    Map<String, Long> wanted = envelope.tags();
    if (wanted.isEmpty()) {
      return CompletableFuture.completedFuture(lookup(envelope, value, age, Map.of()));
    }
    return tags.current(wanted.keySet(), budget)
        .thenApply(
            known -> {
              Map<String, Mark> marks = new HashMap<>();
              for (Map.Entry<String, Known> each : known.entrySet()) {
                Long stamp = wanted.get(each.getKey());
                if (stamp == null || !rules.tagStands(stamp, each.getValue().nonce())) {
                  return RemoteTier.<V>lookup(Kind.DROPPED, envelope, null, age, Map.of());
                }
                marks.put(each.getKey(), each.getValue().mark());
              }
              return lookup(envelope, value, age, marks);
            })
        .exceptionally(failure -> Lookup.<V>of(Kind.UNREACHABLE));
  }

  private static <V> Lookup<V> lookup(
      Envelope envelope, @Nullable V value, long age, Map<String, Mark> tags) {
    Kind kind = age < envelope.ttlMillis() * 1_000_000 ? Kind.FRESH : Kind.EXPIRED;
    return lookup(kind, envelope, value, age, tags);
  }

  private static <V> Lookup<V> lookup(
      Kind kind, Envelope envelope, @Nullable V value, long age, Map<String, Mark> tags) {
    return new Lookup<>(
        kind,
        new Lookup.Stored<>(
            value,
            age,
            envelope.ttlMillis() * 1_000_000,
            envelope.loadMillis() * 1_000_000,
            envelope.nonce(),
            tags));
  }

  private V value(Envelope envelope) throws Exception {
    V value =
        codec.decode(Packing.unpack(envelope.packing(), envelope.payload(), envelope.unpacked()));
    if (value == null) {
      throw new IllegalArgumentException("the codec returned null");
    }
    return value;
  }

  CompletableFuture<Claim> claim(Address address, long unwanted, Budget budget) {
    return budget.spend(
        counters.storeWrites,
        () -> store.claim(address, platform.nonce(), unwanted, options.crossNodeSingleFlight()));
  }

  /** What a fill came to. */
  enum Filled {
    STORED,
    REFUSED,
    OVERSIZED,
    /** The store did not answer. */
    UNKNOWN
  }

  /** Fills a loaded value in; does not fail where the store does. */
  CompletableFuture<Filled> fill(
      Address address, Claim claim, byte[] envelope, Duration ttl, Budget budget) {
    if (envelope.length > store.maxBytes()) {
      counters.oversized.increment();
      store.release(address, claim);
      return CompletableFuture.completedFuture(Filled.OVERSIZED);
    }
    return budget
        .spend(
            counters.storeWrites,
            () -> store.fill(address, claim, envelope, ttl.plus(options.staleIfError())))
        .handle(
            (accepted, failure) -> {
              if (failure != null) {
                return Filled.UNKNOWN;
              }
              if (!accepted) {
                counters.fillsRefused.increment();
              }
              return accepted ? Filled.STORED : Filled.REFUSED;
            });
  }

  CompletableFuture<Store.Applied> put(
      Address address, byte[] envelope, Duration ttl, long nonce, boolean ack, Budget budget) {
    if (envelope.length > store.maxBytes()) {
      // What the store holds is outdated all the same.
      counters.oversized.increment();
      return invalidate(address, nonce, ack, budget);
    }
    Duration life = ttl.plus(options.staleIfError());
    return budget.spend(
        counters.storeWrites,
        () -> store.put(address, envelope, life, nonce, budget.giveUp(), ack));
  }

  CompletableFuture<Store.Applied> invalidate(
      Address address, long nonce, boolean ack, Budget budget) {
    return budget.spend(counters.storeWrites, () -> store.invalidate(address, nonce, ack));
  }

  /** Returns the envelope of a value, or of the knowledge that there is none. */
  byte[] encode(
      @Nullable V value, long nonce, Duration ttl, long loadNanos, Map<String, Known> known) {
    Map<String, Long> nonces = new HashMap<>();
    known.forEach((tag, each) -> nonces.put(tag, rules.stamp(each.nonce())));
    try {
      byte[] plain = value == null ? new byte[0] : codec.encode(value);
      byte[] packed = Packing.pack(options.compression(), plain);
      counters.bytesBefore.add(plain.length);
      counters.bytesAfter.add(packed.length);
      int packing = Packing.number(packed == plain ? Compression.NONE : options.compression());
      return new Envelope(
              nonce,
              0,
              ttl.toMillis(),
              loadNanos / 1_000_000,
              nonces,
              packing,
              plain.length,
              packed,
              value == null)
          .bytes();
    } catch (Exception e) {
      throw new RefusedException("the value cannot be encoded", e);
    }
  }
}
