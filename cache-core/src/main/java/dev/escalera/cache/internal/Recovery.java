package dev.escalera.cache.internal;

import dev.escalera.cache.CacheOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.BiFunction;

/**
 * What becomes of L1 when this node hears of changes anew. If the store is the one that it was, the
 * entries are suspect: each of which L2 still holds the very write is coherent again. If it is
 * another, they are gone, and as many loads wait their turn. Both go at a bounded rate, so that a
 * fleet that comes back at once falls neither upon the store nor upon the source.
 */
final class Recovery<K, V> {
  private static final int MAX_BATCH = 50;

  private final Address.Book<K> addresses;
  private final LocalTier<K, V> local;
  private final RemoteTier<V> remote;
  private final Lease lease;
  private final Counters counters;
  private final Platform platform;
  private final Rules rules;
  private final CacheOptions<K, V> options;

  /** Reads a value of L2 into L1. */
  private final BiFunction<K, Executor, CompletableFuture<?>> refetch;

  private final Turns turns;
  private final int batch;

  /** Whether all that opened since the lease was last whole were as they had been. */
  private boolean same = true;

  Recovery(
      Parts<K, V> parts,
      Address.Book<K> addresses,
      RemoteTier<V> remote,
      Turns turns,
      BiFunction<K, Executor, CompletableFuture<?>> refetch) {
    this.options = parts.options();
    this.addresses = addresses;
    this.local = parts.local();
    this.remote = remote;
    this.lease = parts.lease();
    this.counters = parts.counters();
    this.platform = parts.platform();
    this.rules = parts.rules();
    this.refetch = refetch;
    this.turns = turns;
    this.batch = Math.max(1, Math.min(MAX_BATCH, options.recoveryRate() / 10));
  }

  /** Changes are told from now on, by a store that is the same as before or not. */
  void opened(boolean resumed) {
    boolean all;
    long generation;
    synchronized (this) {
      same &= resumed;
      generation = lease.generation();
      if ((generation & 1) == 0) {
        return;
      }
      all = same;
      same = true;
    }
    if (!all) {
      platform.executor().execute(() -> drop(generation));
    } else if (remote.store().tellsVersions()) {
      // Not all nodes at the same instant.
      long pause = (long) (platform.random() * turns.pause(batch));
      later(pause, () -> revalidate(local.suspects(generation, platform.nanos()), 0, generation));
    }
  }

  private void drop(long generation) {
    turns.begin(local.countBefore(generation));
    local.dropBefore(generation);
  }

  private void revalidate(List<K> suspects, int from, long generation) {
    int to = Math.min(from + batch, suspects.size());
    if (from == to || lease.generation() != generation) {
      return;
    }
    List<K> keys = new ArrayList<>();
    List<Entry<V>> entries = new ArrayList<>();
    List<CompletableFuture<?>> running = new ArrayList<>();
    for (K key : suspects.subList(from, to)) {
      Entry<V> entry = local.find(key);
      if (entry == null || !local.isSuspect(entry, generation, platform.nanos())) {
        continue;
      }
      if (entry.tags == null) {
        keys.add(key);
        entries.add(entry);
      } else {
        // Its tags are to be compared, too.
        running.add(refetch.apply(key, platform.executor()));
      }
    }
    if (!keys.isEmpty()) {
      running.add(compare(keys, entries, generation));
    }
    CompletableFuture.allOf(running.toArray(new CompletableFuture<?>[0]))
        .whenComplete(
            (done, failure) -> {
              // What was not compared is asked for when it is read.
              if (failure == null) {
                later(turns.pause(to - from), () -> revalidate(suspects, to, generation));
              }
            });
  }

  private CompletableFuture<?> compare(List<K> keys, List<Entry<V>> entries, long generation) {
    List<Address> asked = keys.stream().map(addresses::of).toList();
    return new Budget(options.remoteBudget(), counters, platform)
        .spend(counters.storeReads, () -> remote.store().versions(asked))
        .thenAccept(
            nonces -> {
              for (int i = 0; i < keys.size(); i++) {
                boolean held = rules.isStillHeld(entries.get(i).nonce(), nonces.get(i));
                if (local.settleSuspect(keys.get(i), entries.get(i), held, generation)) {
                  counters.revalidated.increment();
                }
              }
            });
  }

  private void later(long nanos, Runnable step) {
    platform.after(nanos, () -> platform.executor().execute(step));
  }
}
