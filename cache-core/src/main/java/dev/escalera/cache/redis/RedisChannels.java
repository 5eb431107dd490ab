package dev.escalera.cache.redis;

import dev.escalera.cache.internal.Channel;
import dev.escalera.cache.internal.Coherence;
import dev.escalera.cache.internal.Lease;
import dev.escalera.cache.internal.Platform;
import io.lettuce.core.AbstractRedisClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * The channels of this process, one a stripe: caches on one client share them, as long as one of
 * them is open.
 */
final class RedisChannels {
  private static final Map<Key, Shared> ALL = new HashMap<>();

  private RedisChannels() {}

  private record Key(AbstractRedisClient client, Duration lease, Platform platform) {}

  private static final class Shared {
    final Servers servers;
    final Lease lease;
    final List<Channel> channels = new ArrayList<>();
    int users;

    Shared(Servers servers, Duration length, Platform platform) {
      this.servers = servers;
      this.lease = new Lease(platform, servers.stripes());
      for (int stripe = 0; stripe < servers.stripes(); stripe++) {
        RedisWire wire = new RedisWire(servers, stripe, platform);
        String tag = servers.tag(stripe);
        String name = tag.isEmpty() ? "RedisTieredCache" : "RedisTieredCache, stripe " + tag;
        channels.add(new Channel(platform, wire, name, length.toNanos(), lease, stripe));
      }
    }
  }

  static Use use(
      AbstractRedisClient client, Supplier<Servers> servers, Duration lease, Platform platform) {
    Key key = new Key(client, lease, platform);
    Shared shared;
    boolean first;
    synchronized (ALL) {
      shared = ALL.computeIfAbsent(key, same -> new Shared(servers.get(), lease, platform));
      first = shared.users++ == 0;
    }
    if (first) {
      shared.channels.forEach(Channel::start);
    }
    return new Use(key, shared);
  }

  /** What one cache has of the channels. */
  static final class Use implements AutoCloseable {
    private final Key key;
    private final Shared shared;
    private final AtomicBoolean closed = new AtomicBoolean();

    private Use(Key key, Shared shared) {
      this.key = key;
      this.shared = shared;
    }

    Servers servers() {
      return shared.servers;
    }

    Lease lease() {
      return shared.lease;
    }

    Channel channel(int stripe) {
      return shared.channels.get(stripe);
    }

    void join(long cache, Coherence coherence) {
      shared.channels.forEach(channel -> channel.join(cache, coherence));
    }

    void leave(long cache, Coherence coherence) {
      shared.channels.forEach(channel -> channel.leave(cache, coherence));
    }

    /** Ends when all changes that were made before, of whatever key, have been told. */
    CompletableFuture<Void> barrier() {
      return CompletableFuture.allOf(
          shared.channels.stream().map(Channel::barrier).toArray(CompletableFuture<?>[]::new));
    }

    @Override
    public void close() {
      if (!closed.compareAndSet(false, true)) {
        return;
      }
      synchronized (ALL) {
        if (--shared.users > 0) {
          return;
        }
        ALL.remove(key);
      }
      shared.channels.forEach(Channel::close);
      // The channels take their leave first.
      key.platform.after(RedisWire.LEAVE_NANOS, shared.servers::close);
    }
  }
}
