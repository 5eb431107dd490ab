package dev.escalera.sharding.firestore;

import com.google.cloud.firestore.Firestore;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.internal.Router;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * A router whose partitions are in Firestore: bucket {@code 2026_11#3} of {@code messages} is the
 * collection {@code escalera_messages/2026_11#3/messages}, so that indexes and TTL policies are
 * declared once, for {@code messages}.
 */
public final class FirestoreShardRouter {
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

  /** Builds a {@link ShardRouter} on Firestore. Not safe for use by several threads. */
  public static final class Builder {
    private final Firestore firestore;
    private final List<ShardedCollection> collections = new ArrayList<>();
    private Duration deadline = Duration.ofSeconds(5);

    private Builder(Firestore firestore) {
      this.firestore = Objects.requireNonNull(firestore, "firestore");
    }

    /**
     * Adds a collection.
     *
     * @param collection one of a name that was not given yet
     * @return this builder
     */
    public Builder collection(ShardedCollection collection) {
      collections.add(Objects.requireNonNull(collection, "collection"));
      return this;
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
     * Builds the router; Firestore is not called before the first use.
     *
     * @return a router, to be closed
     * @throws IllegalStateException if no collection was given, or two of one name
     */
    public ShardRouter build() {
      return new Router(
          "FirestoreShardRouter", collections, new FirestoreBuckets(firestore, deadline));
    }
  }
}
