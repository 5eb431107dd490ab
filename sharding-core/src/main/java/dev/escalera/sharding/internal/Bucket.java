package dev.escalera.sharding.internal;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What documents are routed to, and what fences stand in: a part of a partition, or a range of the
 * virtual slots. Its name is made once, since each write needs it.
 */
public final class Bucket {
  private static final Pattern NAME = Pattern.compile("([^#]+)#([0-9]{1,3})");

  private final String collection;
  private final String partition;
  private final int number;
  private final String name;
  private final int hash;

  public Bucket(String collection, String partition, int number) {
    this.collection = collection;
    this.partition = partition;
    this.number = number;
    this.name = partition + "#" + number;
    this.hash = 31 * collection.hashCode() + name.hashCode();
  }

  public String collection() {
    return collection;
  }

  public String partition() {
    return partition;
  }

  public int number() {
    return number;
  }

  /** Returns the name that stores know the bucket by. */
  public String name() {
    return name;
  }

  /** Returns the bucket of a name; empty if the name is none of a bucket. */
  public static Optional<Bucket> parse(String collection, String name) {
    Matcher parts = NAME.matcher(name);
    return parts.matches()
        ? Optional.of(new Bucket(collection, parts.group(1), Integer.parseInt(parts.group(2))))
        : Optional.empty();
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return this == other
        || (other instanceof Bucket bucket
            && hash == bucket.hash
            && name.equals(bucket.name)
            && collection.equals(bucket.collection));
  }

  @Override
  public int hashCode() {
    return hash;
  }

  @Override
  public String toString() {
    return collection + "/" + name;
  }
}
