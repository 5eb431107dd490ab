package dev.escalera.cache.redis;

import dev.escalera.cache.internal.Channel;
import dev.escalera.cache.internal.Platform;
import io.lettuce.core.RedisClient;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/** The channels of this process: caches on one client share one, as long as one of them is open. */
final class RedisChannels {
  private static final Map<Key, Shared> ALL = new HashMap<>();

  private RedisChannels() {}

  private record Key(int client, Duration lease, Platform platform, RedisClient same) {}

  private static final class Shared {
    final Channel channel;
    int users;

    Shared(Channel channel) {
      this.channel = channel;
    }
  }

  static Use use(RedisClient client, Duration lease, Platform platform) {
    Key key = new Key(System.identityHashCode(client), lease, platform, client);
    Shared shared;
    boolean first;
    synchronized (ALL) {
      shared =
          ALL.computeIfAbsent(
              key,
              same ->
                  new Shared(
                      new Channel(
                          platform,
                          new RedisWire(client, platform),
                          "RedisTieredCache",
                          lease.toNanos())));
      first = shared.users++ == 0;
    }
    if (first) {
      shared.channel.start();
    }
    return new Use(key, shared);
  }

  /** What one cache has of a channel. */
  static final class Use implements AutoCloseable {
    private final Key key;
    private final Shared shared;
    private final AtomicBoolean closed = new AtomicBoolean();

    private Use(Key key, Shared shared) {
      this.key = key;
      this.shared = shared;
    }

    Channel channel() {
      return shared.channel;
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
      shared.channel.close();
    }
  }
}
