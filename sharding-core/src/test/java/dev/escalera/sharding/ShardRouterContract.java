package dev.escalera.sharding;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** What the contracts of routers have in common: how one is made, and for which collections. */
public abstract class ShardRouterContract {
  protected static final Instant JANUARY = Instant.parse("2026-01-31T23:59:59.999999Z");
  protected static final Instant FEBRUARY = Instant.parse("2026-02-01T00:00:00Z");

  /** Collections of their own keep the tests apart in a store. */
  protected final String name = "c" + UUID.randomUUID().toString().replace("-", "");

  /** Returns a router of a backend, that goes by a clock. */
  protected abstract ShardRouter create(
      InstantSource clock, MeterRegistry registry, ShardedCollection... collections);

  protected final ShardRouter create(InstantSource clock, ShardedCollection... collections) {
    return create(clock, new SimpleMeterRegistry(), collections);
  }

  protected final ShardRouter create(ShardedCollection... collections) {
    return create(InstantSource.system(), collections);
  }

  protected final ShardedCollection messages() {
    return messages(name);
  }

  protected static ShardedCollection messages(String named) {
    return ShardedCollection.named(named)
        .partitionBy(Partitioning.date("createdAt", "YYYY_MM"))
        .spread(3)
        .index(Index.desc("createdAt"))
        .index(Index.asc("userId"), Index.desc("createdAt"))
        .index(Index.asc("userId"));
  }

  protected final ShardedCollection hashed() {
    return hashed(name);
  }

  protected static ShardedCollection hashed(String named) {
    return ShardedCollection.named(named).partitionBy(Partitioning.hash(4)).index(Index.asc("v"));
  }

  protected static Document message(String id, Instant at, String user) {
    return Document.of(id, Map.of("createdAt", at, "userId", user));
  }

  protected static List<String> ids(Page page) {
    return page.items().stream().map(Document::id).toList();
  }

  protected static Instant time(Document document) {
    return (Instant) document.fields().getOrDefault("createdAt", JANUARY);
  }
}
