package dev.escalera.sharding;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** What the contracts of routers have in common: how one is made, and for which collections. */
public abstract class ShardRouterContract {
  protected static final Instant JANUARY = Instant.parse("2026-01-31T23:59:59.999999Z");
  protected static final Instant FEBRUARY = Instant.parse("2026-02-01T00:00:00Z");

  /** Collections of their own keep the tests apart in a store. */
  protected final String name = "c" + UUID.randomUUID().toString().replace("-", "");

  /** Returns a builder of a backend's routers, that go by a clock. */
  protected abstract ShardRouterBuilder<?> builder(InstantSource clock);

  protected final ShardRouter create(
      InstantSource clock, MeterRegistry registry, ShardedCollection... collections) {
    ShardRouterBuilder<?> builder = builder(clock).meterRegistry(registry);
    for (ShardedCollection collection : collections) {
      builder.collection(collection);
    }
    return builder.build();
  }

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
    return ids(page.items());
  }

  protected static Instant time(Document document) {
    return (Instant) document.fields().getOrDefault("createdAt", JANUARY);
  }

  protected static List<String> ids(List<Document> documents) {
    return documents.stream().map(Document::id).toList();
  }

  protected static List<Document> pages(ShardRouter router, ShardQuery query) {
    List<Document> paged = new ArrayList<>();
    Page page = router.query(query);
    paged.addAll(page.items());
    while (page.next().isPresent()) {
      page = router.query(query.after(page.next().get()));
      paged.addAll(page.items());
    }
    return paged;
  }

  /** Goes to the last page, and back from there; what the pages show on the way back, in order. */
  protected static List<Document> backwards(ShardRouter router, ShardQuery query) {
    Page page = router.query(query);
    while (page.next().isPresent()) {
      page = router.query(query.after(page.next().get()));
    }
    List<Document> paged = new ArrayList<>(page.items());
    while (page.previous().isPresent()) {
      page = router.query(query.after(page.previous().get()));
      paged.addAll(0, page.items());
    }
    return paged;
  }

  protected static int utf8Order(String one, String other) {
    return Arrays.compareUnsigned(one.getBytes(UTF_8), other.getBytes(UTF_8));
  }
}
