package dev.escalera.sharding;

import java.util.Objects;
import java.util.Set;

/** What the partition of a document goes by. Immutable. */
public sealed interface Partitioning {
  /**
   * By a time, in UTC: a partition a year, month or day.
   *
   * @param field of the documents, an {@code Instant}
   * @param format YYYY, YYYY_MM or YYYY_MM_DD
   * @return the partitioning
   * @throws IllegalArgumentException if the format is another
   */
  static Partitioning date(String field, String format) {
    return new ByDate(field, format);
  }

  /**
   * By a user: a partition a value. Partitions share 1,024 buckets, by the hash of their name, so
   * that there may be any number of them.
   *
   * @param field of the documents, a {@code String} that is not empty
   * @param pattern the name of a partition with the field in braces, such as {@code user_{userId}}
   * @return the partitioning
   * @throws IllegalArgumentException if the pattern does not name the field in braces
   */
  static Partitioning user(String field, String pattern) {
    return new ByUser(field, pattern, 1_024);
  }

  /**
   * By a user, with another number of buckets: a query that names no user asks all of them.
   *
   * @param field of the documents, a {@code String} that is not empty
   * @param pattern the name of a partition with the field in braces, such as {@code user_{userId}}
   * @param buckets a power of two from 1 to 16,384; fixed for the life of the collection
   * @return the partitioning
   * @throws IllegalArgumentException if the pattern does not name the field in braces, or the
   *     number is another
   */
  static Partitioning user(String field, String pattern, int buckets) {
    return new ByUser(field, pattern, buckets);
  }

  /**
   * By a region: a partition a value, named as the value.
   *
   * @param field of the documents, a {@code String} that is not empty
   * @return the partitioning
   */
  static Partitioning region(String field) {
    return new ByRegion(field);
  }

  /**
   * By the hash of the id of a document.
   *
   * @param partitions how many, from 1 to 1,024; fixed for the life of the collection
   * @return the partitioning
   * @throws IllegalArgumentException if the number is out of range
   */
  static Partitioning hash(int partitions) {
    return new ByHash(partitions);
  }

  /**
   * By a time.
   *
   * @param field of the documents
   * @param format of the names
   */
  record ByDate(String field, String format) implements Partitioning {
    private static final Set<String> FORMATS = Set.of("YYYY", "YYYY_MM", "YYYY_MM_DD");

    /**
     * Makes a partitioning; use {@link Partitioning#date}.
     *
     * @param field of the documents
     * @param format of the names
     */
    public ByDate {
      Objects.requireNonNull(field, "field");
      if (!FORMATS.contains(format)) {
        throw new IllegalArgumentException(
            "format is \"" + format + "\", expected YYYY, YYYY_MM or YYYY_MM_DD");
      }
    }
  }

  /**
   * By a text of many values.
   *
   * @param field of the documents
   * @param pattern of the names
   * @param buckets how many the partitions share
   */
  record ByUser(String field, String pattern, int buckets) implements Partitioning {
    private static final int MAX_BUCKETS = 16_384;

    /**
     * Makes a partitioning; use {@link Partitioning#user}.
     *
     * @param field of the documents
     * @param pattern of the names
     * @param buckets how many the partitions share
     */
    public ByUser {
      Objects.requireNonNull(field, "field");
      String token = "{" + field + "}";
      int at = pattern.indexOf(token);
      if (at < 0 || pattern.indexOf(token, at + 1) >= 0) {
        throw new IllegalArgumentException(
            "pattern is \"" + pattern + "\", expected " + token + " in it, once");
      }
      String rest = pattern.replace(token, "");
      if (!rest.matches("[A-Za-z0-9_.-]{0,100}")) {
        throw new IllegalArgumentException(
            "pattern is \""
                + pattern
                + "\", expected at most 100 ASCII letters, digits, _, . and - around "
                + token);
      }
      if (buckets < 1 || buckets > MAX_BUCKETS || Integer.bitCount(buckets) != 1) {
        throw new IllegalArgumentException(
            "buckets is " + buckets + ", expected a power of two from 1 to " + MAX_BUCKETS);
      }
    }
  }

  /**
   * By a text of few values.
   *
   * @param field of the documents
   */
  record ByRegion(String field) implements Partitioning {
    /**
     * Makes a partitioning; use {@link Partitioning#region}.
     *
     * @param field of the documents
     */
    public ByRegion {
      Objects.requireNonNull(field, "field");
    }
  }

  /**
   * By the hash of the id.
   *
   * @param partitions how many
   */
  record ByHash(int partitions) implements Partitioning {
    /**
     * Makes a partitioning; use {@link Partitioning#hash}.
     *
     * @param partitions how many
     */
    public ByHash {
      if (partitions < 1 || partitions > 1_024) {
        throw new IllegalArgumentException("partitions is " + partitions + ", expected 1 to 1024");
      }
    }
  }
}
