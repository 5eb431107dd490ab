package dev.escalera.sharding.firestore;

import com.google.cloud.firestore.Firestore;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardRouterBuilder;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.internal.CatalogStore;
import dev.escalera.sharding.internal.Router;
import dev.escalera.sharding.internal.Settings;
import dev.escalera.sharding.internal.Targets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A router whose partitions are in Firestore: bucket {@code 2026_11#3} of {@code messages} is the
 * collection {@code escalera_messages/2026_11#3/messages}, so that indexes and TTL policies are
 * declared once, for {@code messages}.
 */
public final class FirestoreShardRouter {
  private static final String NAME = "FirestoreShardRouter";

  private FirestoreShardRouter() {}

  /**
   * Starts a router on Firestore.
   *
   * @param firestore the host's client; the router never closes it
   * @return a builder that wants at least one collection
   */
  public static Builder builder(Firestore firestore) {
    return new Builder(firestore);
  }

  /**
   * Returns the file {@code firestore.indexes.json} with all indexes that collections need: those
   * of several fields, each also the other way round, for queries that read it backwards. Deploy it
   * to every database by {@code firebase deploy --only firestore:indexes}.
   *
   * @param collections as they are given to the builder
   * @return the text of the file
   */
  public static String indexesJson(ShardedCollection... collections) {
    return IndexFile.of(List.of(collections));
  }

  /** Builds a {@link ShardRouter} on Firestore. Not safe for use by several threads. */
  public static final class Builder extends ShardRouterBuilder<Builder> {
    private final Map<String, Firestore> databases = new LinkedHashMap<>();
    private InstantSource clock = InstantSource.system();
    private Duration deadline = Duration.ofSeconds(5);

    private Builder(Firestore firestore) {
      databases.put(Targets.MAIN, Objects.requireNonNull(firestore, "firestore"));
    }

    /**
     * Sets how long a call to Firestore may take; 5 s by default. A page of a query may take
     * several calls.
     *
     * @param deadline from 1 ms to 10 minutes
     * @return this builder
     * @throws IllegalArgumentException if the value is out of range
     */
    public Builder deadline(Duration deadline) {
      if (deadline.compareTo(Duration.ofMillis(1)) < 0
          || deadline.compareTo(Duration.ofMinutes(10)) > 0) {
        throw new IllegalArgumentException(
            "deadline is " + deadline + ", expected 1 ms to 10 minutes");
      }
      this.deadline = deadline;
      return this;
    }

    /**
     * Adds a database that may have buckets, beside the first, which is called {@code main} and has
     * the catalog. New buckets go to all targets evenly; those that exist stay where they are. All
     * processes must name the same targets.
     *
     * @param name 1 to 100 ASCII letters, digits, - and _; fixed, since the catalog names it
     * @param firestore the host's client of that database; the router never closes it
     * @return this builder
     * @throws IllegalArgumentException if the name is another, or was given before
     */
    public Builder target(String name, Firestore firestore) {
      Objects.requireNonNull(firestore, "firestore");
      if (databases.putIfAbsent(Targets.checkName(name), firestore) != null) {
        throw new IllegalArgumentException("target \"" + name + "\" was given twice");
      }
      return this;
    }

    Builder clock(InstantSource clock) {
      this.clock = clock;
      return this;
    }

    @Override
    public ShardRouter build() {
      Map<String, FirestoreBuckets> stores = new LinkedHashMap<>();
      List<CatalogStore> catalogs = new ArrayList<>();
      databases.forEach(
          (name, firestore) -> {
            Paths paths = new Paths(firestore);
            FirestoreLink link = new FirestoreLink(NAME, deadline, FirestoreBuckets.MAX_IN_FLIGHT);
            stores.put(name, new FirestoreBuckets(paths, link, deadline));
            catalogs.add(new FirestoreCatalog(paths, link));
          });
      return new Router(settings(), collections(), new Targets(catalogs.get(0), stores));
    }

    @Override
    protected Builder self() {
      return this;
    }

    private Settings settings() {
      return new Settings(NAME, clock, cursorLife(), meterRegistry());
    }
  }
}
