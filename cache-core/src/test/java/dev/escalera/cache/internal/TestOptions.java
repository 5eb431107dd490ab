package dev.escalera.cache.internal;

import dev.escalera.cache.CacheOptions;
import dev.escalera.cache.RemoteCacheBuilder;
import java.time.Duration;

/** The options of a cache whose store is a test's own. */
final class TestOptions<K, V> extends RemoteCacheBuilder<K, V, TestOptions<K, V>> {
  TestOptions(String name) {
    this(name, Duration.ofMinutes(1));
  }

  TestOptions(String name, Duration ttl) {
    super(name, ttl, Duration.ofMillis(50), Duration.ofSeconds(1));
    ttlJitter(0).earlyRefresh(0);
  }

  @Override
  protected TestOptions<K, V> self() {
    return this;
  }

  CacheOptions<K, V> build() {
    return options();
  }
}
