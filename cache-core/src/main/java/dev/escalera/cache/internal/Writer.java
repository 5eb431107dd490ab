package dev.escalera.cache.internal;

import dev.escalera.cache.CacheOptions;
import dev.escalera.cache.EntryOptions;
import dev.escalera.cache.Freshness;
import dev.escalera.cache.internal.TagBook.Known;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The way of a put and of an invalidation: here at once, then L2, then every node. */
final class Writer<K, V> {
  private static final long AGAIN_NANOS = 20_000_000;

  private final CacheOptions<K, V> options;
  private final Address.Book<K> addresses;
  private final LocalTier<K, V> local;
  private final @Nullable RemoteTier<V> remote;
  private final TagBook tags;
  private final Pending pending;
  private final OwnChanges own;
  private final Lease lease;
  private final Counters counters;
  private final Platform platform;
  private final Lives<K, V> lives;
  private final boolean acknowledged;

  Writer(Parts<K, V> parts, Address.Book<K> addresses, OwnChanges own, Lives<K, V> lives) {
    this.options = parts.options();
    this.addresses = addresses;
    this.local = parts.local();
    this.remote = parts.remote();
    this.tags = parts.tags();
    this.pending = parts.pending();
    this.own = own;
    this.lease = parts.lease();
    this.counters = parts.counters();
    this.platform = parts.platform();
    this.lives = lives;
    this.acknowledged = options.freshness() == Freshness.ACKNOWLEDGED;
  }

  /** Drops a key. */
  CompletableFuture<@Nullable Void> invalidate(K key) {
    Address address = addresses.of(key);
    Mark began = local.change(address.hash());
    local.remove(key);
    RemoteTier<V> l2 = remote;
    if (l2 == null) {
      return CompletableFuture.completedFuture(null);
    }
    CompletableFuture<Store.Applied> applied =
        attempt(
            budget -> {
              long nonce = platform.nonce();
              return own(nonce, () -> l2.invalidate(address, nonce, acknowledged, budget));
            });
    return settle(applied, new Pending.Item(address, false), () -> local.settle(began));
  }

  /** Drops all that bears a tag. */
  CompletableFuture<@Nullable Void> invalidateTag(String tag) {
    Address address = Address.tag(new EntryOptions(null, Set.of(tag)).tags().iterator().next());
    local.change(address.hash());
    RemoteTier<V> l2 = remote;
    if (l2 == null) {
      return CompletableFuture.completedFuture(null);
    }
    CompletableFuture<Store.Applied> applied =
        attempt(
            budget ->
                budget.spend(
                    counters.storeWrites,
                    () -> l2.store().invalidateTag(address, platform.nonce(), acknowledged)));
    return settle(applied, new Pending.Item(address, true), () -> local.change(address.hash()));
  }

  /** Makes one attempt at what is pending. */
  CompletableFuture<?> repeat(Pending.Item item) {
    RemoteTier<V> l2 = remote;
    if (l2 == null) {
      return CompletableFuture.completedFuture(null);
    }
    Address address = item.address();
    return item.tag()
        ? budget()
            .spend(
                counters.storeWrites,
                () -> l2.store().invalidateTag(address, platform.nonce(), false))
        : l2.invalidate(address, platform.nonce(), false, budget());
  }

  /** Stores a value. */
  CompletableFuture<@Nullable Void> put(K key, V value, EntryOptions entry) {
    Address address = addresses.of(key);
    Duration ttl = lives.ofPut(key, value, entry);
    Set<String> names = new HashSet<>(lives.tags(key, value));
    names.addAll(entry.tags());
    Set<String> checked = new EntryOptions(null, names).tags();
    RemoteTier<V> l2 = remote;
    if (l2 != null && checked.isEmpty()) {
      // Refused before anything is changed.
      byte[] envelope = l2.encode(value, 0, ttl, 0, Map.of());
      return put(key, address, value, ttl, Map.of(), envelope);
    }
    return tags.current(checked, budget())
        .handle((known, failure) -> failure == null ? known : null)
        .thenCompose(
            known -> {
              if (known == null) {
                // Without its tags it must not be stored: what is there is outdated all the same.
                local.change(address.hash());
                return settle(
                    CompletableFuture.failedFuture(new IllegalStateException("no nonces of tags")),
                    new Pending.Item(address, false),
                    () -> {});
              }
              byte[] envelope = l2 == null ? null : l2.encode(value, 0, ttl, 0, known);
              return put(key, address, value, ttl, known, envelope);
            });
  }

  private CompletableFuture<@Nullable Void> put(
      K key,
      Address address,
      V value,
      Duration ttl,
      Map<String, Known> known,
      byte @Nullable [] envelope) {
    Mark began = local.change(address.hash());
    local.remove(key);
    RemoteTier<V> l2 = remote;
    long nonce = platform.nonce();
    if (l2 == null || envelope == null) {
      keep(key, value, began, ttl, known, nonce);
      return CompletableFuture.completedFuture(null);
    }
    Envelope.stamp(envelope, nonce);
    CompletableFuture<Store.Applied> applied =
        own(nonce, () -> l2.put(address, envelope, ttl, nonce, acknowledged, budget()));
    return settle(
        applied,
        new Pending.Item(address, false),
        () -> {
          Mark settled = local.settle(began);
          if (settled != null) {
            keep(key, value, settled, ttl, known, nonce);
          }
        });
  }

  /**
   * Makes a change whose message is no news to this node: what was marked before its reply is
   * outdated by that.
   */
  private CompletableFuture<Store.Applied> own(
      long nonce, Supplier<CompletableFuture<Store.Applied>> change) {
    if (!lease.isFenced()) {
      own.expect(nonce);
    }
    return change
        .get()
        .whenComplete(
            (done, failure) -> {
              if (failure != null) {
                // It may be carried out yet: its message is news then.
                own.take(nonce);
              }
            });
  }

  private void keep(K key, V value, Mark mark, Duration ttl, Map<String, Known> known, long nonce) {
    long now = platform.nanos();
    local.store(
        key, lives.entry(value, mark, Fills.marks(known), ttl.toNanos(), 0, now, 0, nonce, now));
  }

  /** Ends a change: what was read while the store changed is outdated, too. */
  private CompletableFuture<@Nullable Void> settle(
      CompletableFuture<Store.Applied> applied, Pending.Item item, Runnable settled) {
    Long version = pending.version(item);
    return applied
        .handle(
            (done, failure) -> {
              if (failure == null) {
                pending.settle(item, version);
                settled.run();
                return done.acknowledged();
              }
              boolean kept = pending.add(item);
              settled.run();
              return acknowledged || !kept
                  ? CompletableFuture.<Void>failedFuture(Futures.unwrap(failure))
                  : CompletableFuture.<Void>completedFuture(null);
            })
        .thenCompose(told -> told);
  }

  /** One call of L2. */
  @FunctionalInterface
  private interface Call {
    CompletableFuture<Store.Applied> make(Budget budget);
  }

  /** Calls L2 once; again and again for a while where others wait for an acknowledgement. */
  private CompletableFuture<Store.Applied> attempt(Call call) {
    CompletableFuture<Store.Applied> first = call.make(budget());
    long deadline = platform.nanos() + 2 * options.maxStaleness().toNanos();
    return acknowledged ? orAgain(first, call, deadline) : first;
  }

  private CompletableFuture<Store.Applied> orAgain(
      CompletableFuture<Store.Applied> made, Call call, long deadline) {
    return made.exceptionallyCompose(
        failure -> {
          if (platform.nanos() - deadline >= 0) {
            return CompletableFuture.failedFuture(failure);
          }
          CompletableFuture<Store.Applied> later = new CompletableFuture<>();
          platform.after(
              AGAIN_NANOS,
              () ->
                  orAgain(call.make(budget()), call, deadline)
                      .whenComplete(
                          (done, last) -> {
                            if (last == null) {
                              later.complete(done);
                            } else {
                              later.completeExceptionally(last);
                            }
                          }));
          return later;
        });
  }

  private Budget budget() {
    return new Budget(options.remoteBudget(), counters, platform);
  }
}
