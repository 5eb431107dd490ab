package dev.escalera.sharding;

import java.util.List;
import java.util.Optional;

/**
 * A part of what a query selects. Immutable.
 *
 * @param items the documents, in order
 * @param next where the next page begins, for {@link ShardQuery#after}; empty if there is none.
 *     Opaque, authenticated, and good for this query only
 * @param previous where the page before ends, for {@link ShardQuery#after}; empty if there is none
 * @param cost what this page took
 */
public record Page(
    List<Document> items, Optional<String> next, Optional<String> previous, Cost cost) {
  /**
   * Makes a page.
   *
   * @param items the documents, in order
   * @param next where the next page begins, for {@link ShardQuery#after}; empty if there is none.
   *     Opaque, authenticated, and good for this query only
   * @param previous where the page before ends, for {@link ShardQuery#after}; empty if there is
   *     none
   * @param cost what this page took
   */
  public Page {
    items = List.copyOf(items);
  }

  /**
   * What a page took. Immutable.
   *
   * @param buckets how many buckets were asked
   * @param reads documents that were read, and one for each answer without any, as Firestore bills
   *     them
   * @param rounds how often the router had to wait for answers
   */
  public record Cost(int buckets, int reads, int rounds) {}
}
