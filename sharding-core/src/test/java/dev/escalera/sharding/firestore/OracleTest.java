package dev.escalera.sharding.firestore;

import static dev.escalera.sharding.Direction.ASCENDING;
import static dev.escalera.sharding.Direction.DESCENDING;
import static dev.escalera.sharding.Index.asc;
import static dev.escalera.sharding.Index.contains;
import static dev.escalera.sharding.Index.desc;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.cloud.firestore.CollectionReference;
import com.google.cloud.firestore.FieldPath;
import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.Query;
import com.google.cloud.firestore.QueryDocumentSnapshot;
import com.google.cloud.firestore.WriteBatch;
import dev.escalera.sharding.Condition;
import dev.escalera.sharding.Direction;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.Operator;
import dev.escalera.sharding.Order;
import dev.escalera.sharding.Page;
import dev.escalera.sharding.Partitioning;
import dev.escalera.sharding.ShardQuery;
import dev.escalera.sharding.ShardRouter;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.local.LocalShardRouter;
import dev.escalera.sharding.redis.RedisShardRouter;
import dev.escalera.testkit.ModelTest;
import dev.escalera.testkit.WithFirestore;
import dev.escalera.testkit.WithRedis;
import io.lettuce.core.RedisClient;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Routers give, page by page and both ways, what one plain collection of Firestore gives for the
 * same query.
 */
@WithFirestore
@WithRedis
class OracleTest {
  private static final Pattern TEXTS = Pattern.compile("\"(\\w+)\": \"((?:[^\"\\\\]|\\\\.)*)\"");

  private static final Pattern ESCAPES = Pattern.compile("\\\\(u[0-9a-fA-F]{4}|.)");
  private static final List<String> ZONES =
      List.of("UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Asia/Kathmandu");

  private final Firestore firestore;
  private final RedisClient redis;
  private final String name = "o" + UUID.randomUUID().toString().replace("-", "");

  OracleTest(Firestore firestore, RedisClient redis) {
    this.firestore = firestore;
    this.redis = redis;
  }

  private static ShardedCollection indexed(String name, Partitioning partitioning, int spread) {
    return ShardedCollection.named(name)
        .partitionBy(partitioning)
        .spread(spread)
        .index(asc("at"))
        .index(asc("v"))
        .index(asc("v"), desc("at"))
        .index(desc("at"), asc("v"))
        .index(asc("user"))
        .index(asc("user"), desc("at"))
        .index(asc("user"), asc("v"))
        .index(asc("user"), asc("v"), desc("at"))
        .index(contains("tags"))
        .index(contains("tags"), desc("v"))
        .index(asc("user"), contains("tags"), asc("at"));
  }

  @Test
  void generated_data_of_every_type() {
    ModelTest.named("routers beside a plain collection")
        .seeds(3)
        .check(
            random -> {
              List<Document> documents = generated(random, 140);
              List<ShardQuery> queries = new ArrayList<>();
              for (int i = 0; i < 16; i++) {
                queries.add(query(i, random, documents));
              }
              int way = Math.floorMod(random.nextInt(), 3);
              assertAlike(random, documents, queries, collection(way));
              assertAlike(random, documents, queries, collection((way + 1) % 3));
            });
  }

  private ShardedCollection collection(int way) {
    String other = name + UUID.randomUUID().toString().substring(0, 8);
    return switch (way) {
      case 0 -> indexed(other, Partitioning.date("at", "YYYY_MM"), 2);
      case 1 -> indexed(other, Partitioning.user("user", "user_{user}", 8), 1);
      default -> indexed(other, Partitioning.hash(5), 1);
    };
  }

  private void assertAlike(
      Random random,
      List<Document> documents,
      List<ShardQuery> queries,
      ShardedCollection collection) {
    CollectionReference plain = plain(collection.name() + "-plain", documents);
    List<ShardRouter> routers =
        List.of(
            LocalShardRouter.builder().collection(collection).build(),
            RedisShardRouter.builder(redis).collection(collection).build(),
            FirestoreShardRouter.builder(firestore).collection(collection).build());
    try {
      for (ShardRouter router : routers) {
        assertThat(router.writeAll(collection.name(), documents))
            .filteredOn(result -> !result.stored())
            .map(result -> result.failure().map(Throwable::getCause))
            .isEmpty();
      }
      for (ShardQuery query : queries) {
        List<Document> expected = oracle(plain, query);
        // Of few documents small pages, of thousands not hundreds of pages.
        int least = 1 + (expected.size() > 500 ? expected.size() / 8 : 0);
        int limit = least + random.nextInt(1 + Math.max(20, expected.size() / 2));
        for (ShardRouter router : routers) {
          ShardQuery own = named(query, collection.name()).limit(limit);
          assertPages(router, own, expected);
        }
      }
    } finally {
      routers.forEach(ShardRouter::close);
    }
  }

  private static ShardQuery named(ShardQuery query, String collection) {
    return new ShardQuery(
        collection,
        query.conditions(),
        query.orders(),
        query.limit(),
        Optional.empty(),
        false,
        query.maxReads());
  }

  /** Pages to the end, each page compared, and back to the beginning. */
  private static void assertPages(ShardRouter router, ShardQuery query, List<Document> expected) {
    String what = router.getClass().getSimpleName() + " " + query;
    Page page = router.query(query);
    int from = 0;
    while (true) {
      int to = Math.min(expected.size(), from + query.limit());
      assertSame(page.items(), expected.subList(from, to), what + " from " + from);
      assertThat(page.next().isPresent()).as(what).isEqualTo(to < expected.size());
      if (page.next().isEmpty()) {
        break;
      }
      from = to;
      page = router.query(query.after(page.next().get()));
    }
    if (query.conditions().isEmpty() && query.orders().isEmpty()) {
      assertThat(page.previous()).as("by id alone, forwards only").isEmpty();
      from = 0;
    }
    while (page.previous().isPresent()) {
      page = router.query(query.after(page.previous().get()));
      int to = from;
      from = Math.max(0, from - query.limit());
      assertSame(page.items(), expected.subList(from, to), what + " back from " + to);
    }
    assertThat(from).as(what).isZero();
    assertThat(router.count(query).documents()).as(what).isEqualTo(expected.size());
  }

  private static void assertSame(List<Document> actual, List<Document> expected, String what) {
    assertThat(actual.stream().map(Document::id).toList())
        .as(what)
        .isEqualTo(expected.stream().map(Document::id).toList());
    for (int i = 0; i < actual.size(); i++) {
      assertThat(comparable(actual.get(i).fields()))
          .as(what)
          .isEqualTo(comparable(expected.get(i).fields()));
    }
  }

  /** Arrays as lists, which are compared by what is in them. */
  private static @Nullable Object comparable(@Nullable Object value) {
    if (value instanceof byte[] bytes) {
      return "bytes " + Arrays.toString(bytes);
    }
    if (value instanceof List<?> list) {
      List<@Nullable Object> all = new ArrayList<>();
      list.forEach(element -> all.add(comparable(element)));
      return all;
    }
    if (value instanceof Map<?, ?> map) {
      Map<@Nullable Object, @Nullable Object> all = new HashMap<>();
      map.forEach((key, inner) -> all.put(key, comparable(inner)));
      return all;
    }
    return value;
  }

  private CollectionReference plain(String collection, List<Document> documents) {
    CollectionReference plain = firestore.collection(collection);
    for (int from = 0; from < documents.size(); from += 400) {
      WriteBatch batch = firestore.batch();
      documents
          .subList(from, Math.min(documents.size(), from + 400))
          .forEach(
              document ->
                  batch.set(plain.document(document.id()), Values.toFirestore(document.fields())));
      got(batch.commit());
    }
    return plain;
  }

  private static List<Document> oracle(CollectionReference plain, ShardQuery query) {
    Query all = plain;
    for (Condition condition : query.conditions()) {
      FieldPath field = FieldPath.of(condition.field());
      Object value = Values.toFirestore(condition.value());
      all =
          switch (condition.operator()) {
            case EQUAL -> all.whereEqualTo(field, value);
            case LESS -> all.whereLessThan(field, value);
            case LESS_OR_EQUAL -> all.whereLessThanOrEqualTo(field, value);
            case GREATER -> all.whereGreaterThan(field, value);
            case GREATER_OR_EQUAL -> all.whereGreaterThanOrEqualTo(field, value);
            case IN -> all.whereIn(field, (List<?>) value);
            case ARRAY_CONTAINS -> all.whereArrayContains(field, value);
          };
    }
    for (Order order : query.orders()) {
      all =
          all.orderBy(
              FieldPath.of(order.field()),
              order.direction() == ASCENDING
                  ? Query.Direction.ASCENDING
                  : Query.Direction.DESCENDING);
    }
    List<Document> documents = new ArrayList<>();
    for (QueryDocumentSnapshot found : got(all.get())) {
      documents.add(Document.of(found.getId(), Values.toRow(found).orElseThrow().fields()));
    }
    return documents;
  }

  private static <T> T got(java.util.concurrent.Future<T> future) {
    try {
      return future.get();
    } catch (InterruptedException | ExecutionException e) {
      throw new AssertionError(e);
    }
  }

  private static List<Document> generated(Random random, int count) {
    List<String> users = List.of("u1", "u1\u0000", "\ud83d\ude00", "\uffee", "a/b", "A");
    List<String> prefixes = List.of("m", "M ", "\ud83d\ude00", "\uffee", "!", "\"", "~", "m!");
    Map<String, Document> documents = new LinkedHashMap<>();
    while (documents.size() < count) {
      Map<String, @Nullable Object> fields = new HashMap<>();
      fields.put("at", time(random));
      fields.put("user", users.get(Math.min(random.nextInt(9), users.size() - 1)));
      if (random.nextInt(10) > 0) {
        fields.put("v", value(random, 0));
      }
      if (random.nextInt(5) > 0) {
        fields.put("tags", random.nextInt(6) == 0 ? "x" : tags(random));
      }
      String id = prefixes.get(random.nextInt(prefixes.size())) + random.nextInt(200);
      documents.put(id, Document.of(id, fields));
    }
    return List.copyOf(documents.values());
  }

  /** Few times, so that many are alike: about midnight, at the ends of months, in many zones. */
  private static Instant time(Random random) {
    LocalDateTime local =
        LocalDateTime.of(2026, 1 + random.nextInt(4), 1, random.nextInt(2) * 23, 0)
            .minusDays(random.nextInt(2));
    return local.atZone(ZoneId.of(ZONES.get(random.nextInt(ZONES.size())))).toInstant();
  }

  private static List<@Nullable Object> tags(Random random) {
    List<@Nullable Object> tags = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      tags.add(Arrays.asList("x", "y", 1L, 1.0, true, null, "\ud83d\ude00").get(random.nextInt(7)));
    }
    return tags;
  }

  private static @Nullable Object value(Random random, int depth) {
    return switch (random.nextInt(depth < 2 ? 12 : 10)) {
      case 0 -> null;
      case 1 -> random.nextBoolean();
      case 2 -> Double.NaN;
      case 3 -> (long) random.nextInt(4);
      case 4 -> random.nextInt(4) / 2.0 - 0.5;
      case 5 -> List.of(Long.MAX_VALUE, Long.MIN_VALUE, (1L << 53) + 1).get(random.nextInt(3));
      case 6 -> List.of(-0.0, Double.NEGATIVE_INFINITY, 0x1p53, 1e300).get(random.nextInt(4));
      case 7 -> time(random);
      case 8 -> List.of("", "a", "a\u0000", "\uffee", "\ud83d\ude00").get(random.nextInt(5));
      case 9 -> new byte[] {(byte) random.nextInt(3), (byte) -random.nextInt(2)};
      case 10 -> {
        List<@Nullable Object> list = new ArrayList<>();
        for (int i = random.nextInt(3); i > 0; i--) {
          Object element = value(random, 2);
          list.add(element);
        }
        yield list;
      }
      default -> {
        Map<String, @Nullable Object> map = new HashMap<>();
        for (int i = random.nextInt(3); i > 0; i--) {
          map.put(List.of("a", "b", "\ud83d\ude00").get(random.nextInt(3)), value(random, 2));
        }
        yield map;
      }
    };
  }

  private static ShardQuery query(int kind, Random random, List<Document> documents) {
    ShardQuery all = ShardQuery.from("any");
    Direction way = random.nextBoolean() ? ASCENDING : DESCENDING;
    Direction other = way == ASCENDING ? DESCENDING : ASCENDING;
    Map<String, @Nullable Object> some = documents.get(random.nextInt(documents.size())).fields();
    Object user = some.get("user");
    Instant at = (Instant) some.getOrDefault("at", Instant.EPOCH);
    Object v = some.get("v");
    Object compared = v == null || v.equals(Double.NaN) ? Long.valueOf(1) : v;
    Operator operator =
        List.of(Operator.LESS, Operator.LESS_OR_EQUAL, Operator.GREATER, Operator.GREATER_OR_EQUAL)
            .get(random.nextInt(4));
    List<String> users = List.of("u1", "\ud83d\ude00", "none", "A").subList(0, 1 + kind % 4);
    return switch (kind) {
      case 0 -> all;
      case 1 -> all.orderBy("at", way);
      case 2 ->
          all.where("at", Operator.GREATER_OR_EQUAL, at)
              .where("at", Operator.LESS, at.plus(Duration.ofDays(40)))
              .orderBy("at", way);
      case 3 -> all.where("user", Operator.EQUAL, user).orderBy("at", way);
      case 4 -> all.where("user", Operator.IN, users).orderBy("at", way);
      case 5 -> all.where("user", Operator.IN, users);
      case 6 -> all.where("v", operator, compared).orderBy("v", way);
      case 7 -> all.orderBy("v", way).orderBy("at", other);
      case 8 -> all.where("tags", Operator.ARRAY_CONTAINS, random.nextBoolean() ? "x" : 1L);
      case 9 -> all.where("tags", Operator.ARRAY_CONTAINS, "\ud83d\ude00").orderBy("v", way);
      case 10 -> all.where("user", Operator.EQUAL, user).orderBy("v", way).orderBy("at", other);
      case 11 -> all.where("v", Operator.EQUAL, v);
      case 12 -> all.where("v", Operator.EQUAL, v).orderBy("v", DESCENDING);
      case 13 ->
          all.where("user", Operator.EQUAL, user)
              .where("tags", Operator.ARRAY_CONTAINS, "x")
              .where("at", operator, at);
      case 14 -> all.where("user", Operator.IN, users).orderBy("user", way).orderBy("at", way);
      default -> all.where("at", Operator.EQUAL, at).orderBy("v", way);
    };
  }

  /** Real data: lines of JSON, compressed, with id, createdAt, userId and more. */
  @Test
  @EnabledIfSystemProperty(named = "escalera.data", matches = ".+")
  void real_data() throws IOException {
    List<Document> documents = new ArrayList<>();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(
                    Files.newInputStream(Path.of(System.getProperty("escalera.data", "")))),
                StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Map<String, @Nullable Object> fields = new HashMap<>();
        TEXTS.matcher(line).results().forEach(m -> fields.put(m.group(1), unescaped(m.group(2))));
        String id = String.valueOf(fields.remove("id"));
        String at = String.valueOf(fields.remove("createdAt"));
        fields.put("at", OffsetDateTime.parse(at).toInstant());
        fields.put("user", fields.remove("userId"));
        documents.add(Document.of(id, fields));
      }
    }
    Collections.shuffle(documents, new Random(1));
    ShardQuery all = ShardQuery.from("any");
    Object author = documents.get(0).fields().get("user");
    List<ShardQuery> queries =
        List.of(
            all.orderBy("at", DESCENDING),
            all,
            all.where("user", Operator.EQUAL, author).orderBy("at", DESCENDING),
            all.where("user", Operator.IN, List.of(author, "none")).orderBy("at", ASCENDING),
            all.where("at", Operator.GREATER_OR_EQUAL, Instant.parse("2014-01-31T23:00:00Z"))
                .where("at", Operator.LESS, Instant.parse("2016-03-27T01:30:00Z")));
    Random random = new Random(2);
    assertAlike(random, documents, queries, lean(Partitioning.date("at", "YYYY_MM"), 2));
    assertAlike(random, documents, queries, lean(Partitioning.user("user", "u_{user}", 32), 1));
  }

  private static String unescaped(String json) {
    return ESCAPES
        .matcher(json)
        .replaceAll(
            found -> {
              String code = found.group(1);
              String text =
                  switch (code.charAt(0)) {
                    case 'n' -> "\n";
                    case 't' -> "\t";
                    case 'r' -> "\r";
                    case 'b' -> "\b";
                    case 'f' -> "\f";
                    case 'u' -> Character.toString(Integer.parseInt(code.substring(1), 16));
                    default -> code;
                  };
              return Matcher.quoteReplacement(text);
            });
  }

  private ShardedCollection lean(Partitioning partitioning, int spread) {
    return ShardedCollection.named(name + UUID.randomUUID().toString().substring(0, 8))
        .partitionBy(partitioning)
        .spread(spread)
        .index(asc("at"))
        .index(asc("user"), desc("at"));
  }
}
