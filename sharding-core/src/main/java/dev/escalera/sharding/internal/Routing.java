package dev.escalera.sharding.internal;

import dev.escalera.sharding.Condition;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.Operator;
import dev.escalera.sharding.PartitionKey;
import dev.escalera.sharding.Partitioning;
import dev.escalera.sharding.ShardQuery;
import dev.escalera.sharding.ShardedCollection;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** From fields to buckets. The same in every JVM and for ever: what is stored is found by it. */
final class Routing {
  private static final int MAX_NAME = 1_400;

  private final ShardedCollection collection;

  Routing(ShardedCollection collection) {
    this.collection = collection;
  }

  Bucket bucket(Document document) {
    return bucket(partition(document), document.id());
  }

  Bucket bucket(PartitionKey key, String id) {
    return bucket(partition(key, id), id);
  }

  /** Returns the field that decides, empty if the id does. */
  Optional<String> field() {
    if (collection.partitioning() instanceof Partitioning.ByDate date) {
      return Optional.of(date.field());
    }
    return collection.partitioning() instanceof Partitioning.ByValue value
        ? Optional.of(value.field())
        : Optional.empty();
  }

  /** Returns whether a partition can hold a document that a query selects. */
  boolean mayHold(String partition, ShardQuery query) {
    for (Condition condition : query.conditions()) {
      if (field().filter(condition.field()::equals).isPresent() && !mayMeet(partition, condition)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Returns the buckets of the one partition that a query names by EQUAL, whether they exist or
   * not; empty if it names none.
   */
  Optional<List<Bucket>> named(ShardQuery query) {
    for (Condition condition : query.conditions()) {
      if (condition.operator() == Operator.EQUAL
          && field().filter(condition.field()::equals).isPresent()) {
        return Optional.of(
            partition(condition).stream()
                .flatMap(
                    partition ->
                        IntStream.range(0, collection.spread())
                            .mapToObj(i -> new Bucket(collection.name(), partition, i)))
                .toList());
      }
    }
    return Optional.empty();
  }

  /** Whether a greater partition name means greater values of the field. */
  boolean isOrdered() {
    return collection.partitioning() instanceof Partitioning.ByDate;
  }

  private boolean mayMeet(String partition, Condition condition) {
    if (collection.partitioning() instanceof Partitioning.ByDate date) {
      if (!(condition.value() instanceof Instant time)) {
        return false;
      }
      int order = partition.compareTo(date(date.format(), time));
      return switch (condition.operator()) {
        case EQUAL -> order == 0;
        case LESS, LESS_OR_EQUAL -> order <= 0;
        case GREATER, GREATER_OR_EQUAL -> order >= 0;
      };
    }
    if (collection.partitioning() instanceof Partitioning.ByValue value
        && condition.operator() == Operator.EQUAL) {
      return condition.value() instanceof String text
          && !text.isEmpty()
          && partition.equals(name(value, text));
    }
    return true;
  }

  /** Returns the partition of the documents whose field equals a value; empty if none can. */
  private Optional<String> partition(Condition condition) {
    if (collection.partitioning() instanceof Partitioning.ByDate date) {
      return condition.value() instanceof Instant time
          ? Optional.of(date(date.format(), time))
          : Optional.empty();
    }
    return collection.partitioning() instanceof Partitioning.ByValue value
            && condition.value() instanceof String text
            && !text.isEmpty()
        ? Optional.of(name(value, text))
        : Optional.empty();
  }

  private Bucket bucket(String partition, String id) {
    int number =
        collection.spread() == 1 ? 0 : (int) Long.remainderUnsigned(hash(id), collection.spread());
    return new Bucket(collection.name(), partition, number);
  }

  private String partition(Document document) {
    Partitioning partitioning = collection.partitioning();
    if (partitioning instanceof Partitioning.ByDate date) {
      return date(date.format(), value(document, date.field(), Instant.class, "a time (Instant)"));
    }
    if (partitioning instanceof Partitioning.ByValue value) {
      return name(value, value(document, value.field(), String.class, "some text"));
    }
    return hashed((Partitioning.ByHash) partitioning, document.id());
  }

  private String partition(PartitionKey key, String id) {
    Partitioning partitioning = collection.partitioning();
    if (partitioning instanceof Partitioning.ByDate date) {
      if (key.value() instanceof Instant time) {
        return date(date.format(), time);
      }
      throw new IllegalArgumentException(
          "collection \""
              + collection.name()
              + "\" is partitioned by date, expected PartitionKey.of(Instant)");
    }
    if (partitioning instanceof Partitioning.ByValue value) {
      if (key.value() instanceof String text && !text.isEmpty()) {
        return name(value, text);
      }
      throw new IllegalArgumentException(
          "collection \""
              + collection.name()
              + "\" is partitioned by \""
              + value.field()
              + "\", expected PartitionKey.of(String) of some text");
    }
    if (!key.equals(PartitionKey.none())) {
      throw new IllegalArgumentException(
          "collection \""
              + collection.name()
              + "\" is partitioned by the hash of the id, expected PartitionKey.none()");
    }
    return hashed((Partitioning.ByHash) partitioning, id);
  }

  private <T> T value(Document document, String field, Class<T> type, String expected) {
    @Nullable Object value = document.fields().get(field);
    if (!type.isInstance(value) || "".equals(value)) {
      throw new IllegalArgumentException(
          "document \""
              + Names.escape(document.id())
              + "\" goes to collection \""
              + collection.name()
              + "\" by field \""
              + field
              + "\", which "
              + (document.fields().containsKey(field) ? "is " + shown(value) : "is missing")
              + ", expected "
              + expected);
    }
    return type.cast(value);
  }

  private static String shown(@Nullable Object value) {
    return value == null
        ? "null"
        : value.equals("") ? "empty" : "a " + value.getClass().getSimpleName();
  }

  private static String date(String format, Instant time) {
    LocalDate day = LocalDate.ofInstant(time, ZoneOffset.UTC);
    if (day.getYear() < 0 || day.getYear() > 9_999) {
      throw new IllegalArgumentException("the year of " + time + " is none from 0000 to 9999");
    }
    String year = padded(4, day.getYear());
    return switch (format) {
      case "YYYY" -> year;
      case "YYYY_MM" -> year + "_" + padded(2, day.getMonthValue());
      default -> year + "_" + padded(2, day.getMonthValue()) + "_" + padded(2, day.getDayOfMonth());
    };
  }

  /** With leading zeros, in ASCII whatever the locale. */
  private static String padded(int digits, long number) {
    String text = Long.toString(number);
    return "0".repeat(Math.max(0, digits - text.length())) + text;
  }

  private static String name(Partitioning.ByValue partitioning, String value) {
    String name =
        partitioning.pattern().replace("{" + partitioning.field() + "}", Names.escape(value));
    if (name.length() > MAX_NAME) {
      throw new IllegalArgumentException(
          "field \""
              + partitioning.field()
              + "\" makes a partition name of "
              + name.length()
              + " characters, expected at most "
              + MAX_NAME);
    }
    return name;
  }

  private static String hashed(Partitioning.ByHash partitioning, String id) {
    return "hash_" + padded(4, Long.remainderUnsigned(hash(id), partitioning.partitions()));
  }

  /**
   * FNV-1a over the UTF-8 bytes (Fowler, Noll, Vo; offset and prime of 64 bits), then the finalizer
   * of MurmurHash3 (Appleby), since FNV alone leaves the low bits of similar ids alike.
   */
  static long hash(String id) {
    long hash = 0xcbf29ce484222325L;
    for (byte b : id.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xFF)) * 0x100000001b3L;
    }
    hash = (hash ^ (hash >>> 33)) * 0xff51afd7ed558ccdL;
    hash = (hash ^ (hash >>> 33)) * 0xc4ceb9fe1a85ec53L;
    return hash ^ (hash >>> 33);
  }
}
