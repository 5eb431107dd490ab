package dev.escalera.sharding;

import java.util.List;

/**
 * How a collection lies in its partitions, and what was written of late. Immutable.
 *
 * @param partitions with the number of their documents, by name
 * @param skew the documents of the largest partition over those of one on average; 1 is even, 0 if
 *     there is none
 * @param bytesADocument what a document that this router wrote takes on average, encoded; 0 if it
 *     wrote none
 * @param writesASecond of this router, over the last minute about
 * @param hotKeys the partition keys that this router wrote to most, the most first
 * @param reads what this report cost, as Firestore bills it
 */
public record Distribution(
    List<Partition> partitions,
    double skew,
    double bytesADocument,
    double writesASecond,
    List<HotKey> hotKeys,
    long reads) {
  /**
   * Makes a report.
   *
   * @param partitions with the number of their documents, by name
   * @param skew the documents of the largest partition over those of one on average
   * @param bytesADocument what a document takes on average, encoded
   * @param writesASecond over the last minute about
   * @param hotKeys the partition keys that were written to most, the most first
   * @param reads what this report cost
   */
  public Distribution {
    partitions = List.copyOf(partitions);
    hotKeys = List.copyOf(hotKeys);
  }

  /**
   * Returns about how many bytes a partition has.
   *
   * @param partition one of these
   * @return its documents times the bytes of one on average
   */
  public long bytes(Partition partition) {
    return Math.round(partition.documents() * bytesADocument);
  }

  /**
   * A partition key, such as {@code user_u1}, and its part in the writes. Immutable.
   *
   * @param key the name of the partition
   * @param share of all writes of this router of late, from 0 to 1, too high by {@code error} at
   *     most
   * @param error how much too high it may be
   */
  public record HotKey(String key, double share, double error) {}
}
