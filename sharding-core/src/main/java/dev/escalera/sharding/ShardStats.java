package dev.escalera.sharding;

import java.time.Instant;
import java.util.Map;

/**
 * What one router has done since it was built. Immutable.
 *
 * @param since when it was built
 * @param collections by name
 */
public record ShardStats(Instant since, Map<String, OfCollection> collections) {
  /**
   * Makes statistics.
   *
   * @param since when the router was built
   * @param collections by name
   */
  public ShardStats {
    collections = Map.copyOf(collections);
  }

  /**
   * What was done with one collection. Immutable.
   *
   * @param configuration of the collection
   * @param bucketsMade how many buckets this router was the first to write to
   * @param put documents, single or in bulk
   * @param updated documents
   * @param deleted calls that removed a document, whether it existed or not
   * @param gets calls for one document
   * @param pages of queries
   * @param reads that these pages cost
   * @param refusals by a fence; the call was made again
   * @param failures of calls
   */
  public record OfCollection(
      ShardedCollection configuration,
      long bucketsMade,
      long put,
      long updated,
      long deleted,
      long gets,
      long pages,
      long reads,
      long refusals,
      long failures) {}
}
