package dev.escalera.cache.internal;

import dev.escalera.cache.CacheOptions;
import dev.escalera.cache.Compression;
import dev.escalera.cache.ValueCodec;
import dev.escalera.cache.internal.Lookup.Kind;
import dev.escalera.cache.internal.TagBook.Known;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
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

  /**
   * What is looked up.
   *
   * @param had what L1 has of it, whatever its state: the same write is not decoded again
   */
  record Sought<V>(Address address, @Nullable Entry<V> had) {}

  /** Looks a value up; does not fail where the store does. */
  CompletableFuture<Lookup<V>> read(Sought<V> sought, Budget budget, Executor steps) {
    long sent = platform.nanos();
    return budget
        .spend(counters.storeReads, () -> store.read(List.of(sought.address)))
        .handleAsync(
            (found, failure) ->
                failure == null
                    ? decode(found.get(0), sought.had, sent, budget)
                    : CompletableFuture.completedFuture(Lookup.<V>of(Kind.UNREACHABLE)),
            steps)
        .thenCompose(lookup -> lookup);
  }

  /** Looks values up; does not fail where the store does. */
  CompletableFuture<List<Lookup<V>>> read(List<Sought<V>> sought, Budget budget, Executor steps) {
    List<Address> addresses = new ArrayList<>(sought.size());
    sought.forEach(each -> addresses.add(each.address));
    long sent = platform.nanos();
    return budget
        .spend(counters.storeReads, () -> store.read(addresses))
        .thenComposeAsync(found -> decode(found, sought, sent, budget), steps)
        .exceptionally(failure -> Collections.nCopies(sought.size(), Lookup.of(Kind.UNREACHABLE)));
  }

  private CompletableFuture<List<Lookup<V>>> decode(
      List<@Nullable Found> found, List<Sought<V>> sought, long sent, Budget budget) {
    long late = platform.nanos() - sent;
    List<Lookup<V>> lookups = new ArrayList<>(found.size());
    List<CompletableFuture<?>> asked = new ArrayList<>(0);
    for (Found each : found) {
      int place = lookups.size();
      Opened<V> opened = open(each, sought.get(place).had, late);
      lookups.add(opened.lookup);
      if (!opened.tags.isEmpty()) {
        asked.add(current(opened, budget).thenAccept(lookup -> lookups.set(place, lookup)));
      }
    }
    return asked.isEmpty()
        ? CompletableFuture.completedFuture(lookups)
        : CompletableFuture.allOf(asked.toArray(new CompletableFuture<?>[0]))
            .thenApply(done -> lookups);
  }

  /** Says what an envelope holds that was asked for at a time. */
  CompletableFuture<Lookup<V>> decode(@Nullable Found found, long sent, Budget budget) {
    return decode(found, null, sent, budget);
  }

  private CompletableFuture<Lookup<V>> decode(
      @Nullable Found found, @Nullable Entry<V> had, long sent, Budget budget) {
    Opened<V> opened = open(found, had, platform.nanos() - sent);
    return opened.tags.isEmpty()
        ? CompletableFuture.completedFuture(opened.lookup)
        : current(opened, budget);
  }

  /**
   * What an envelope holds.
   *
   * @param tags that decide whether it stands, each with the nonce that it had
   */
  private record Opened<V>(Lookup<V> lookup, Map<String, Long> tags) {
    Opened(Kind kind) {
      this(Lookup.of(kind), Map.of());
    }
  }

  /** Opens what was on its way for a while, at the most. */
  private Opened<V> open(@Nullable Found found, @Nullable Entry<V> had, long late) {
    if (found == null) {
      return new Opened<>(Kind.MISSING);
    }
    try {
      Envelope envelope = Envelope.read(found.envelope());
      V value = envelope.absent() ? null : value(envelope, had);
      long ttl = envelope.ttlMillis() * 1_000_000;
      long load = envelope.loadMillis() * 1_000_000;
      long age = Math.max(0, found.now() - found.created()) * 1_000_000 + Math.max(0, late);
      Kind kind = age < ttl ? Kind.FRESH : Kind.EXPIRED;
      return new Opened<>(
          new Lookup<>(
              kind, new Lookup.Stored<>(value, age, ttl, load, envelope.nonce(), Map.of())),
          envelope.tags());
    } catch (Exception | StackOverflowError | LinkageError e) {
      // Whatever it is that cannot be read, the loader can tell the value.
      counters.decodeFailures.increment();
      return new Opened<>(Kind.UNREADABLE);
    }
  }

  /** Says whether the tags of a value stand, too; does not fail. */
  private CompletableFuture<Lookup<V>> current(Opened<V> opened, Budget budget) {
    return tags.current(opened.tags.keySet(), budget)
        .thenApply(
            known -> {
              Map<String, Mark> marks = new HashMap<>();
              for (Map.Entry<String, Known> each : known.entrySet()) {
                Long stamp = opened.tags.get(each.getKey());
                if (stamp == null || !rules.tagStands(stamp, each.getValue().nonce())) {
                  return opened.lookup.dropped();
                }
                marks.put(each.getKey(), each.getValue().mark());
              }
              return opened.lookup.under(marks);
            })
        .exceptionally(failure -> Lookup.<V>of(Kind.UNREACHABLE));
  }

  private V value(Envelope envelope, @Nullable Entry<V> had) throws Exception {
    if (had != null && had.value != null && had.nonce() == envelope.nonce() && had.nonce() != 0) {
      return had.value;
    }
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
