package dev.escalera.sharding;

import java.util.List;

/**
 * How a collection lies in its partitions, and what was written of late. Immutable.
 *
 * @param partitions with documents and bytes, by name
 * @param skew the documents of the largest partition over those of one on average; 1 is even, 0 if
 *     there is none
 * @param writesASecond of this router, over the last minute about
 * @param hotKeys the partition keys that this router wrote to most, the most first
 * @param reads what this report cost, as Firestore bills it
 */
public record Distribution(
    List<OfPartition> partitions,
    double skew,
    double writesASecond,
    List<HotKey> hotKeys,
    long reads) {
  /**
   * Makes a report.
   *
   * @param partitions with documents and bytes, by name
   * @param skew the documents of the largest partition over those of one on average
   * @param writesASecond over the last minute about
   * @param hotKeys the partition keys that were written to most, the most first
   * @param reads what this report cost
   */
  public Distribution {
    partitions = List.copyOf(partitions);
    hotKeys = List.copyOf(hotKeys);
  }

  /**
   * What a partition holds. Immutable.
   *
   * @param name such as {@code 2026_11}
   * @param documents how many it has
   * @param bytes about how many they take, judged by a sample of them: on Redis the memory of
   *     documents and indexes, on Firestore what it stores and bills for the documents without
   *     their index entries, in the process their encoded size
   */
  public record OfPartition(String name, long documents, long bytes) {}

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
