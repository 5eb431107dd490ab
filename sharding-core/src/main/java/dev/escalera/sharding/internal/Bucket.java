package dev.escalera.sharding.internal;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A part of a partition; what documents are routed to. */
public record Bucket(String collection, String partition, int number) {
  private static final Pattern NAME = Pattern.compile("([^#]+)#([0-9]{1,3})");

  /** Returns the name that stores know the bucket by. */
  public String name() {
    return partition + "#" + number;
  }

  /** Returns the bucket of a name; empty if the name is none of a bucket. */
  static Optional<Bucket> parse(String collection, String name) {
    Matcher parts = NAME.matcher(name);
    return parts.matches()
        ? Optional.of(new Bucket(collection, parts.group(1), Integer.parseInt(parts.group(2))))
        : Optional.empty();
  }
}
