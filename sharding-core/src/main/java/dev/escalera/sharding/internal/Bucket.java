package dev.escalera.sharding.internal;

/** A part of a partition; what documents are routed to. */
public record Bucket(String collection, String partition, int number) {
  /** Returns the name that stores know the bucket by. */
  public String name() {
    return partition + "#" + number;
  }

  static Bucket parse(String collection, String name) {
    int hash = name.lastIndexOf('#');
    return new Bucket(
        collection, name.substring(0, hash), Integer.parseInt(name.substring(hash + 1)));
  }
}
