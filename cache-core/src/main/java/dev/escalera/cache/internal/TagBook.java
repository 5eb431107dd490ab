package dev.escalera.cache.internal;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The nonces of tags. A value bears those that stood when its load began; it is dropped as soon as
 * one of them is another. No clock takes part, and a nonce that was lost only costs a load.
 */
final class TagBook {
  private static final int MAX_KNOWN = 10_000;

  private final LocalTier<?, ?> local;
  private final @Nullable Store store;
  private final Pending pending;
  private final Platform platform;
  private final Counters counters;
  private final Cache<String, Known> known;

  /**
   * The nonce of a tag.
   *
   * @param mark what stood before it was read
   * @param read when that had ended
   */
  record Known(long nonce, Mark mark, long read) {}

  TagBook(
      LocalTier<?, ?> local,
      @Nullable Store store,
      Pending pending,
      Platform platform,
      Counters counters) {
    this.pending = pending;
    this.local = local;
    this.store = store;
    this.platform = platform;
    this.counters = counters;
    this.known = Caffeine.newBuilder().executor(Runnable::run).maximumSize(MAX_KNOWN).build();
  }

  /** Returns the nonces that stand now. */
  CompletableFuture<Map<String, Known>> current(Collection<String> tags, Budget budget) {
    if (pending.isEmpty()) {
      return delivered(tags, budget);
    }
    // What this node has dropped and L2 has not confirmed must not be taken for current.
    List<CompletableFuture<@Nullable Void>> deliveries = new ArrayList<>();
    for (String tag : tags) {
      deliveries.add(pending.deliver(new Pending.Item(Address.tag(tag), true)));
    }
    return CompletableFuture.allOf(deliveries.toArray(new CompletableFuture<?>[0]))
        .thenCompose(done -> delivered(tags, budget));
  }

  private CompletableFuture<Map<String, Known>> delivered(Collection<String> tags, Budget budget) {
    Map<String, Known> found = new HashMap<>();
    List<String> missing = new ArrayList<>();
    for (String tag : tags) {
      Known cached = known.getIfPresent(tag);
      if (store == null) {
        found.put(tag, new Known(0, local.mark(Address.tag(tag).hash()), platform.nanos()));
      } else if (cached != null
          && store.lease().holds(platform.nanos())
          && local.stands(cached.mark)) {
        found.put(tag, cached);
      } else {
        missing.add(tag);
      }
    }
    return missing.isEmpty()
        ? CompletableFuture.completedFuture(found)
        : read(missing, budget)
            .thenApply(
                read -> {
                  found.putAll(read);
                  return found;
                });
  }

  /**
   * Returns the nonces that have stood since a load began; null if that is not known of all.
   *
   * @param clock the number of the last change when it began
   * @param began when it began
   */
  CompletableFuture<@Nullable Map<String, Known>> since(
      Collection<String> tags, long clock, long began, long generation, Budget budget) {
    return current(tags, budget)
        .thenCompose(
            found -> {
              boolean older = true;
              for (Known each : found.values()) {
                older &= each.read - began <= 0;
              }
              Store asked = store;
              // A nonce that was read during the load may be younger than what was loaded: unless
              // all that changed before it was read has been told, and was none of these tags.
              CompletableFuture<Void> told =
                  older || asked == null
                      ? CompletableFuture.completedFuture(null)
                      : budget.spend(counters.storeReads, asked::barrier);
              return told.thenApply(done -> stood(found, clock, generation) ? found : null);
            })
        .exceptionally(failure -> null);
  }

  /**
   * Returns what stands for tags on this node if none of them has changed here since a load began:
   * enough for what L2 does not know of.
   *
   * @param clock the number of the last change when it began
   */
  @Nullable Map<String, Known> hereSince(Collection<String> tags, long clock) {
    Map<String, Known> here = new HashMap<>();
    for (String tag : tags) {
      Mark mark = local.mark(Address.tag(tag).hash());
      if (mark.epoch() > clock) {
        return null;
      }
      here.put(tag, new Known(0, mark, platform.nanos()));
    }
    return here;
  }

  private boolean stood(Map<String, Known> found, long clock, long generation) {
    for (Known each : found.values()) {
      if (each.mark.epoch() > clock
          || each.mark.generation() != generation
          || !local.stands(each.mark)) {
        return false;
      }
    }
    Store asked = store;
    return asked == null || asked.lease().holds(platform.nanos());
  }

  private CompletableFuture<Map<String, Known>> read(List<String> tags, Budget budget) {
    Store asked = store;
    if (asked == null) {
      return CompletableFuture.completedFuture(Map.of());
    }
    List<Address> addresses = new ArrayList<>();
    List<Mark> marks = new ArrayList<>();
    for (String tag : tags) {
      Address address = Address.tag(tag);
      addresses.add(address);
      marks.add(local.mark(address.hash()));
    }
    return budget
        .spend(counters.storeReads, () -> asked.tags(addresses))
        .thenApply(
            nonces -> {
              Map<String, Known> read = new HashMap<>();
              for (int i = 0; i < tags.size(); i++) {
                Known now = new Known(nonces.get(i), marks.get(i), platform.nanos());
                read.put(tags.get(i), now);
                known.put(tags.get(i), now);
              }
              return read;
            });
  }
}
