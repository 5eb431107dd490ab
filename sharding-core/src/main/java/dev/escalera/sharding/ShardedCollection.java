package dev.escalera.sharding;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * A collection and how it is divided. Immutable: each method returns another.
 *
 * @param name 1 to 100 ASCII letters, digits, - and _
 * @param partitioning what the partition of a document goes by
 * @param spread how many buckets a partition has
 * @param indexes the declared indexes, each a list of fields
 */
public record ShardedCollection(
    String name, Partitioning partitioning, int spread, List<List<IndexField>> indexes) {
  private static final int MAX_SPREAD = 256;

  /**
   * Makes a collection.
   *
   * @param name 1 to 100 ASCII letters, digits, - and _
   * @param partitioning what the partition of a document goes by
   * @param spread how many buckets a partition has
   * @param indexes the declared indexes, each a list of fields
   * @throws IllegalArgumentException if a value is out of range, or an index is empty or names a
   *     field twice
   */
  public ShardedCollection {
    Objects.requireNonNull(name, "name");
    if (!name.matches("[A-Za-z0-9_-]{1,100}") || name.startsWith("__")) {
      throw new IllegalArgumentException(
          "a collection is named \""
              + FieldValues.shown(name)
              + "\", expected 1 to 100 ASCII letters, digits, - and _, not __ at first");
    }
    Objects.requireNonNull(partitioning, "partitioning");
    if (spread < 1 || spread > MAX_SPREAD) {
      throw new IllegalArgumentException("spread is " + spread + ", expected 1 to " + MAX_SPREAD);
    }
    if (partitioning instanceof Partitioning.ByHash && spread > 1) {
      throw new IllegalArgumentException(
          "spread is " + spread + ", but a partition by hash is one bucket");
    }
    indexes = indexes.stream().map(List::copyOf).toList();
    indexes.forEach(ShardedCollection::check);
  }

  /**
   * Returns a collection that is partitioned by the hash of the id over 64 partitions, until it is
   * told otherwise.
   *
   * @param name 1 to 100 ASCII letters, digits, - and _
   * @return the collection
   * @throws IllegalArgumentException if the name is another
   */
  public static ShardedCollection named(String name) {
    return new ShardedCollection(name, Partitioning.hash(64), 1, List.of());
  }

  /**
   * Returns the same collection, partitioned in another way.
   *
   * @param partitioning what the partition of a document goes by; fixed for the life of the
   *     collection
   * @return the collection
   */
  public ShardedCollection partitionBy(Partitioning partitioning) {
    return new ShardedCollection(name, partitioning, spread, indexes);
  }

  /**
   * Returns the same collection with each partition divided into buckets by the hash of the id: the
   * writes of one partition go to them evenly.
   *
   * @param spread how many buckets, from 1 to 256; fixed for the life of the collection
   * @return the collection
   * @throws IllegalArgumentException if the number is out of range
   */
  public ShardedCollection spread(int spread) {
    return new ShardedCollection(name, partitioning, spread, indexes);
  }

  /**
   * Returns the same collection with one more index. It serves queries that compare its first
   * fields with EQUAL and order by the rest, as declared or all the other way round.
   *
   * @param fields the fields in order, see {@link Index}
   * @return the collection
   * @throws IllegalArgumentException if there is no field or one twice
   */
  public ShardedCollection index(IndexField... fields) {
    List<List<IndexField>> more = new ArrayList<>(indexes);
    more.add(List.of(fields));
    return new ShardedCollection(name, partitioning, spread, more);
  }

  private static void check(List<IndexField> index) {
    Set<String> fields = new HashSet<>();
    for (IndexField order : index) {
      if (!fields.add(order.field())) {
        throw new IllegalArgumentException(
            "an index names field \"" + FieldValues.shown(order.field()) + "\" twice");
      }
    }
    if (index.isEmpty()) {
      throw new IllegalArgumentException("an index has no field");
    }
    if (index.stream().filter(field -> field.kind() == IndexField.Kind.CONTAINS).count() > 1) {
      throw new IllegalArgumentException(
          "an index looks into two lists, which Firestore does not do: " + index);
    }
  }
}
