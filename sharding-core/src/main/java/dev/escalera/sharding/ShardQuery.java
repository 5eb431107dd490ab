package dev.escalera.sharding;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What to select, and in which order. Immutable: each method returns another.
 *
 * <p>Documents that lack a field of the order are not selected. The order of values is Firestore's:
 * null, booleans, numbers, times, texts and bytes by their bytes, lists, maps; ties are broken by
 * the id.
 *
 * @param collection the name of the collection
 * @param conditions all of which must hold
 * @param orders the order, the first field first
 * @param limit how many documents a page has at most
 * @param cursor where to go on, from {@link Page#next()} or {@link Page#previous()}
 * @param snapshot whether all pages are as of the moment of the first one
 * @param maxReads how many documents a page may read at most
 */
public record ShardQuery(
    String collection,
    List<Condition> conditions,
    List<Order> orders,
    int limit,
    Optional<String> cursor,
    boolean snapshot,
    int maxReads) {
  private static final int MAX_LIMIT = 10_000;
  private static final int MAX_READS = 50_000;

  /**
   * Makes a query.
   *
   * @param collection the name of the collection
   * @param conditions all of which must hold
   * @param orders the order, the first field first
   * @param limit how many documents a page has at most
   * @param cursor where to go on, from {@link Page#next()} or {@link Page#previous()}
   * @param snapshot whether all pages are as of the moment of the first one
   * @param maxReads how many documents a page may read at most
   * @throws IllegalArgumentException if a number is out of range
   */
  public ShardQuery {
    Objects.requireNonNull(collection, "collection");
    Objects.requireNonNull(cursor, "cursor");
    conditions = List.copyOf(conditions);
    orders = List.copyOf(orders);
    if (limit < 1 || limit > MAX_LIMIT) {
      throw new IllegalArgumentException("limit is " + limit + ", expected 1 to " + MAX_LIMIT);
    }
    if (maxReads < 1) {
      throw new IllegalArgumentException("maxReads is " + maxReads + ", expected at least 1");
    }
  }

  /**
   * Returns a query for all documents of a collection, by id, 100 a page.
   *
   * @param collection the name of the collection
   * @return the query
   */
  public static ShardQuery from(String collection) {
    return new ShardQuery(
        collection, List.of(), List.of(), 100, Optional.empty(), false, MAX_READS);
  }

  /**
   * Returns the same query with one more condition. Conditions other than EQUAL may be on one field
   * only, which is then the first of the order.
   *
   * @param field its name
   * @param operator how it is compared
   * @param value with what
   * @return the query
   * @throws IllegalArgumentException if the value is none that a field may have
   */
  public ShardQuery where(String field, Operator operator, @Nullable Object value) {
    List<Condition> more = new ArrayList<>(conditions);
    more.add(new Condition(field, operator, value));
    return new ShardQuery(collection, more, orders, limit, cursor, snapshot, maxReads);
  }

  /**
   * Returns the same query, ordered by one more field.
   *
   * @param field its name
   * @param direction which way
   * @return the query
   */
  public ShardQuery orderBy(String field, Direction direction) {
    List<Order> more = new ArrayList<>(orders);
    more.add(new Order(field, direction));
    return new ShardQuery(collection, conditions, more, limit, cursor, snapshot, maxReads);
  }

  /**
   * Returns the same query with another size of page.
   *
   * @param limit from 1 to 10,000
   * @return the query
   * @throws IllegalArgumentException if the value is out of range
   */
  public ShardQuery limit(int limit) {
    return new ShardQuery(collection, conditions, orders, limit, cursor, snapshot, maxReads);
  }

  /**
   * Returns the same query, to go on where a page ended, or before where it began.
   *
   * @param cursor from {@link Page#next()} or {@link Page#previous()} of this query; the limit may
   *     differ
   * @return the query
   */
  public ShardQuery after(String cursor) {
    return new ShardQuery(
        collection, conditions, orders, limit, Optional.of(cursor), snapshot, maxReads);
  }

  /**
   * Returns the same query with all pages as of the moment of the first one, whatever is written
   * while you page; for an hour, on Firestore and in the process. Else each page is as of its own
   * moment.
   *
   * @return the query
   */
  public ShardQuery asOfNow() {
    return new ShardQuery(collection, conditions, orders, limit, cursor, true, maxReads);
  }

  /**
   * Returns the same query with another bound on what a page may cost; 50,000 by default.
   *
   * @param maxReads how many documents a page may read; one that would read more fails
   * @return the query
   * @throws IllegalArgumentException if it is less than 1
   */
  public ShardQuery maxReads(int maxReads) {
    return new ShardQuery(collection, conditions, orders, limit, cursor, snapshot, maxReads);
  }
}
