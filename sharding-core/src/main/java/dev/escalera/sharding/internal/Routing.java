package dev.escalera.sharding.internal;

import dev.escalera.sharding.Condition;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.PartitionKey;
import dev.escalera.sharding.Partitioning;
import dev.escalera.sharding.ShardQuery;
import dev.escalera.sharding.ShardedCollection;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** From fields to buckets. The same in every JVM and for ever: what is stored is found by it. */
final class Routing {
  /** Virtual slots: partitions by user are hashed to them, and each bucket has a range of them. */
  static final int SLOTS = 16_384;

  private static final int SLOT_BITS = 14;
  private static final int MAX_NAME = 1_400;

  /** How many rows that begin alike are read at once: there are few. */
  private static final int AT_ONCE = 10;

  private static final int MICRO = 1_000;

  private static final String USERS = "users_";
  private static final String HASH = "hash_";

  private final ShardedCollection collection;
  private final Optional<String> field;
  private final @Nullable Dates dates;

  Routing(ShardedCollection collection) {
    this.collection = collection;
    Partitioning partitioning = collection.partitioning();
    if (partitioning instanceof Partitioning.ByDate date) {
      this.field = Optional.of(date.field());
      this.dates = new Dates(collection.name(), date.format(), collection.spread());
    } else {
      this.dates = null;
      this.field =
          partitioning instanceof Partitioning.ByUser user
              ? Optional.of(user.field())
              : partitioning instanceof Partitioning.ByRegion region
                  ? Optional.of(region.field())
                  : Optional.empty();
    }
  }

  Bucket bucket(Document document) {
    Partitioning partitioning = collection.partitioning();
    if (dates != null && partitioning instanceof Partitioning.ByDate date) {
      Instant time = value(document, date.field(), Instant.class, "a time (Instant)");
      return dates.bucket(time, number(document.id()));
    }
    if (partitioning instanceof Partitioning.ByUser user) {
      String name = name(user, value(document, user.field(), String.class, "some text"));
      return users(user, name, number(document.id()));
    }
    if (partitioning instanceof Partitioning.ByRegion region) {
      String name = name(value(document, region.field(), String.class, "some text"));
      return new Bucket(collection.name(), name, number(document.id()));
    }
    return hashed((Partitioning.ByHash) partitioning, document.id());
  }

  Bucket bucket(PartitionKey key, String id) {
    Partitioning partitioning = collection.partitioning();
    if (dates != null) {
      if (key.value() instanceof Instant time) {
        return dates.bucket(time, number(id));
      }
      throw refused("by date", "PartitionKey.of(Instant)");
    }
    if (partitioning instanceof Partitioning.ByUser user) {
      return users(user, name(user, text(key, user.field())), number(id));
    }
    if (partitioning instanceof Partitioning.ByRegion region) {
      return new Bucket(collection.name(), name(text(key, region.field())), number(id));
    }
    if (!key.equals(PartitionKey.none())) {
      throw refused("by the hash of the id", "PartitionKey.none()");
    }
    return hashed((Partitioning.ByHash) partitioning, id);
  }

  /** Returns what the store knows a document by: partitions by user share buckets, and ids may. */
  String storedId(Document document) {
    return collection.partitioning() instanceof Partitioning.ByUser user
        ? SharedIds.join(
            document.id(), name(user, value(document, user.field(), String.class, "some text")))
        : document.id();
  }

  String storedId(PartitionKey key, String id) {
    return collection.partitioning() instanceof Partitioning.ByUser user
        ? SharedIds.join(id, name(user, text(key, user.field())))
        : id;
  }

  /** Returns the name of the partition of a document that fits the collection. */
  String partition(Document document) {
    return collection.partitioning() instanceof Partitioning.ByUser user
        ? name(user, value(document, user.field(), String.class, "some text"))
        : bucket(document).partition();
  }

  /** Returns whether a bucket can hold a document of an id, whatever its partition. */
  boolean mayHold(Bucket bucket, String id) {
    Partitioning partitioning = collection.partitioning();
    if (partitioning instanceof Partitioning.ByHash hash) {
      return bucket.equals(hashed(hash, id));
    }
    return partitioning instanceof Partitioning.ByUser || bucket.number() == number(id);
  }

  /** Returns the rows of an id in a bucket: one at most, unless partitions share it. */
  CompletableFuture<List<Row>> find(BucketStore store, Bucket bucket, String id) {
    if (!(collection.partitioning() instanceof Partitioning.ByUser)) {
      return store.get(bucket, id).thenApply(row -> row.stream().toList());
    }
    Selection all = Selection.of(collection, ShardQuery.from(collection.name()), false);
    return find(store, bucket, all.plans().get(0), SharedIds.start(id), List.of());
  }

  /** Reads the ids that begin alike, in their order, until one does not. */
  private static CompletableFuture<List<Row>> find(
      BucketStore store, Bucket bucket, Plan plan, String start, List<Row> before) {
    String from = before.isEmpty() ? start : before.get(before.size() - 1).id();
    Optional<After> after = Optional.of(new After(List.of(), Optional.of(from), before.isEmpty()));
    return store
        .query(bucket, plan, after, AT_ONCE, Optional.empty())
        .thenCompose(
            rows -> {
              List<Row> found = new ArrayList<>(before);
              rows.stream().takeWhile(row -> row.id().startsWith(start)).forEach(found::add);
              return found.size() == before.size() + AT_ONCE
                  ? find(store, bucket, plan, start, found)
                  : CompletableFuture.completedFuture(List.copyOf(found));
            });
  }

  /** Returns the document of a row. */
  Document document(Row row) {
    String id =
        collection.partitioning() instanceof Partitioning.ByUser
            ? SharedIds.id(row.id())
            : row.id();
    return Document.of(id, row.fields());
  }

  Row row(Document document) {
    return new Row(storedId(document), document.fields());
  }

  /** Returns the field that decides, empty if the id does. */
  Optional<String> field() {
    return field;
  }

  /** Returns whether a bucket can hold a document that a plan selects. */
  boolean mayHold(Bucket bucket, Plan plan) {
    if (dates == null || field.isEmpty()) {
      return true;
    }
    for (Condition condition : plan.ranges()) {
      if (condition.field().equals(field.get()) && !mayMeet(dates, bucket, condition)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Returns the buckets of the one partition that a plan names by a value, whether they exist or
   * not; empty if it names none.
   */
  Optional<List<Bucket>> named(Plan plan) {
    return field
        .filter(plan.equal()::containsKey)
        .map(
            decisive ->
                partition(plan.equal().get(decisive)).stream()
                    .flatMap(List::stream)
                    .distinct()
                    .toList());
  }

  /** Whether a greater partition name means greater values of the field. */
  boolean isOrdered() {
    return dates != null;
  }

  /** Returns which of some targets a new bucket goes to: as evenly as can be. */
  int target(Bucket bucket, int targets) {
    Partitioning partitioning = collection.partitioning();
    if (targets == 1) {
      return 0;
    }
    if (partitioning instanceof Partitioning.ByUser user) {
      return Owners.of(user.buckets(), targets).owner(index(bucket, USERS));
    }
    if (partitioning instanceof Partitioning.ByHash hash) {
      return Owners.of(hash.partitions(), targets).owner(index(bucket, HASH));
    }
    long place = Long.remainderUnsigned(hash(bucket.partition()), targets) + bucket.number();
    return (int) (place % targets);
  }

  private static int index(Bucket bucket, String prefix) {
    return Integer.parseInt(bucket.partition().substring(prefix.length()));
  }

  private static boolean mayMeet(Dates dates, Bucket bucket, Condition condition) {
    if (!(condition.value() instanceof Instant time)) {
      return false;
    }
    String partition = bucket.partition();
    return switch (condition.operator()) {
      case EQUAL -> partition.equals(dates.name(time));
      // Times go by microseconds: what is less is at most the one before.
      case LESS -> partition.compareTo(dates.name(time.minusNanos(MICRO))) <= 0;
      case LESS_OR_EQUAL -> partition.compareTo(dates.name(time)) <= 0;
      case GREATER, GREATER_OR_EQUAL -> partition.compareTo(dates.name(time)) >= 0;
      case IN, ARRAY_CONTAINS -> true;
    };
  }

  /** Returns the buckets of the documents whose field equals a value; empty if none can. */
  private Optional<List<Bucket>> partition(@Nullable Object value) {
    Partitioning partitioning = collection.partitioning();
    IntStream numbers = IntStream.range(0, collection.spread());
    if (dates != null) {
      return value instanceof Instant time
          ? Optional.of(numbers.mapToObj(i -> dates.bucket(time, i)).toList())
          : Optional.empty();
    }
    if (!(value instanceof String text) || text.isEmpty()) {
      return Optional.empty();
    }
    if (partitioning instanceof Partitioning.ByUser user) {
      String name = name(user, text);
      return Optional.of(numbers.mapToObj(i -> users(user, name, i)).toList());
    }
    String name = name(text);
    return Optional.of(numbers.mapToObj(i -> new Bucket(collection.name(), name, i)).toList());
  }

  private int number(String id) {
    int spread = collection.spread();
    if ((spread & (spread - 1)) == 0) {
      // The same, without a division.
      return spread == 1 ? 0 : (int) hash(id) & (spread - 1);
    }
    return (int) Long.remainderUnsigned(hash(id), spread);
  }

  private Bucket users(Partitioning.ByUser user, String partition, int number) {
    long hash = hash(number == 0 ? partition : partition + "#" + number);
    int slot = (int) (hash >>> (Long.SIZE - SLOT_BITS));
    int index = slot / (SLOTS / user.buckets());
    return new Bucket(collection.name(), USERS + padded(5, index), 0);
  }

  private Bucket hashed(Partitioning.ByHash partitioning, String id) {
    long index = Long.remainderUnsigned(hash(id), partitioning.partitions());
    return new Bucket(collection.name(), HASH + padded(4, index), 0);
  }

  private String text(PartitionKey key, String decisive) {
    if (key.value() instanceof String text && !text.isEmpty()) {
      return text;
    }
    throw refused("by \"" + decisive + "\"", "PartitionKey.of(String) of some text");
  }

  private IllegalArgumentException refused(String how, String expected) {
    return new IllegalArgumentException(
        "collection \""
            + collection.name()
            + "\" is partitioned "
            + how
            + ", expected "
            + expected);
  }

  private <T> T value(Document document, String decisive, Class<T> type, String expected) {
    @Nullable Object value = document.fields().get(decisive);
    if (!type.isInstance(value) || "".equals(value)) {
      throw new IllegalArgumentException(
          "document \""
              + Names.escape(document.id())
              + "\" goes to collection \""
              + collection.name()
              + "\" by field \""
              + decisive
              + "\", which "
              + (document.fields().containsKey(decisive) ? "is " + shown(value) : "is missing")
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

  /** With leading zeros, in ASCII whatever the locale. */
  static String padded(int digits, long number) {
    String text = Long.toString(number);
    return "0".repeat(Math.max(0, digits - text.length())) + text;
  }

  private static String name(Partitioning.ByUser user, String value) {
    return checked(user.pattern().replace("{" + user.field() + "}", Names.escape(value)));
  }

  private static String name(String region) {
    return checked(Names.escape(region));
  }

  private static String checked(String name) {
    if (name.length() > MAX_NAME) {
      throw new IllegalArgumentException(
          "partition \""
              + name.substring(0, 100)
              + "…\" has a name of "
              + name.length()
              + " characters, expected at most "
              + MAX_NAME);
    }
    return name;
  }

  private static final long OFFSET = 0xcbf29ce484222325L;
  private static final long PRIME = 0x100000001b3L;

  /**
   * FNV-1a over the UTF-8 bytes (Fowler, Noll, Vo; offset and prime of 64 bits), then the finalizer
   * of MurmurHash3 (Appleby), since FNV alone leaves the low bits of similar ids alike.
   */
  static long hash(String id) {
    long hash = OFFSET;
    for (int i = 0; i < id.length(); i++) {
      char c = id.charAt(i);
      if (c > 127) {
        return hashUtf8(id);
      }
      hash = (hash ^ c) * PRIME;
    }
    return mixed(hash);
  }

  private static long hashUtf8(String id) {
    long hash = OFFSET;
    for (byte b : id.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xFF)) * PRIME;
    }
    return mixed(hash);
  }

  private static long mixed(long fnv) {
    long hash = (fnv ^ (fnv >>> 33)) * 0xff51afd7ed558ccdL;
    hash = (hash ^ (hash >>> 33)) * 0xc4ceb9fe1a85ec53L;
    return hash ^ (hash >>> 33);
  }
}
