package dev.escalera.sharding.redis;

import static dev.escalera.sharding.redis.LuaScript.utf8;

import dev.escalera.sharding.IndexField;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.ShardingException;
import dev.escalera.sharding.internal.After;
import dev.escalera.sharding.internal.Bounded;
import dev.escalera.sharding.internal.Bucket;
import dev.escalera.sharding.internal.BucketStore;
import dev.escalera.sharding.internal.DocumentCodec;
import dev.escalera.sharding.internal.Fence;
import dev.escalera.sharding.internal.FencedException;
import dev.escalera.sharding.internal.LexRange;
import dev.escalera.sharding.internal.Names;
import dev.escalera.sharding.internal.Plan;
import dev.escalera.sharding.internal.Row;
import io.lettuce.core.ScriptOutputType;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/** Buckets in Redis. */
final class RedisBuckets implements BucketStore {
  static final int MAX_IN_FLIGHT = 20_000;
  static final String PREFIX = "escalera:shard:";
  private static final int MAX_UPDATES = 1_000;
  private static final LuaScript PUT = LuaScript.load("put.lua", ScriptOutputType.VALUE);
  private static final LuaScript MOVE = LuaScript.load("move.lua", ScriptOutputType.VALUE);
  private static final LuaScript SIZE = LuaScript.load("size.lua", ScriptOutputType.INTEGER);
  private static final LuaScript GET = LuaScript.load("get.lua", ScriptOutputType.MULTI);
  private static final LuaScript QUERY = LuaScript.load("query.lua", ScriptOutputType.MULTI);
  private static final LuaScript FENCE = LuaScript.load("fence.lua", ScriptOutputType.VALUE);

  /** When {@code put.lua} writes: always, or if the document is still as it was. */
  private static final byte[] ANY = utf8("any");

  private static final byte[] IF = utf8("if");
  private static final byte[] NOTHING = {};
  private static final String FENCED = "fenced";

  private final Route route;

  RedisBuckets(Route route) {
    this.route = route;
  }

  @Override
  public CompletableFuture<Fence> raise(Bucket bucket, Fence proposed) {
    return standing(bucket, "", proposed.text()).thenApply(Fence::parse);
  }

  @Override
  public CompletableFuture<Optional<Fence>> fence(Bucket bucket) {
    return route
        .call(key(bucket), redis -> redis.get(utf8(fenceKey(bucket))))
        .thenApply(found -> Optional.ofNullable(found).map(bytes -> Fence.parse(text(bytes))));
  }

  @Override
  public CompletableFuture<Boolean> flip(Bucket bucket, Fence expected, Fence next) {
    return standing(bucket, expected.text(), next.text()).thenApply(next.text()::equals);
  }

  @Override
  public CompletableFuture<Void> put(ShardedCollection collection, Placed placed) {
    return run(placed.home(), put(collection, placed.row(), placed.home(), ANY, NOTHING))
        .thenApply(done -> null);
  }

  @Override
  public CompletableFuture<List<Optional<Throwable>>> putAll(
      ShardedCollection collection, List<Placed> placed) {
    return Bounded.all(
        placed,
        each ->
            put(collection, each)
                .handle(
                    (done, failure) ->
                        failure == null
                            ? Optional.empty()
                            : Optional.of(RedisLink.unwrap(failure))));
  }

  @Override
  public CompletableFuture<Optional<Row>> get(Bucket bucket, String id) {
    return stored(bucket, id).thenApply(bytes -> bytes.map(found -> row(id, found)));
  }

  @Override
  public CompletableFuture<Optional<Row>> update(
      ShardedCollection collection, Home home, String id, UnaryOperator<Row> change) {
    return update(collection, home, id, change, 1);
  }

  @Override
  public boolean canMove(Bucket from, Bucket to) {
    return route.isTogether(key(from), key(to));
  }

  @Override
  public CompletableFuture<Optional<Row>> move(
      ShardedCollection collection, Home from, String id, Home to, UnaryOperator<Row> change) {
    return move(collection, from, id, to, change, 1);
  }

  @Override
  public CompletableFuture<Size> size(
      ShardedCollection collection, Bucket bucket, long documents, int sample) {
    List<byte[]> keys = new ArrayList<>();
    keys.add(utf8(key(bucket)));
    keys.add(utf8(indexKey(bucket, List.of())));
    collection.indexes().forEach(index -> keys.add(utf8(indexKey(bucket, index))));
    CompletableFuture<Long> bytes =
        route.call(
            key(bucket),
            redis -> SIZE.run(redis, keys.toArray(byte[][]::new), utf8(Integer.toString(sample))));
    return bytes.thenApply(sum -> new Size(sum, 0));
  }

  @Override
  public CompletableFuture<Void> delete(ShardedCollection collection, Home home, String id) {
    byte[][] arguments = {
      utf8(Fence.admission(home.epoch())), utf8(id), ANY, NOTHING, utf8("delete")
    };
    return run(home, arguments).thenApply(done -> null);
  }

  @Override
  public CompletableFuture<List<Row>> query(
      Bucket bucket, Plan plan, Optional<After> after, int limit, Optional<Instant> at) {
    LexRange range = plan.range(after);
    if (range.isEmpty()) {
      return CompletableFuture.completedFuture(List.of());
    }
    String way = plan.reversed() ? "backwards" : "forwards";
    // A page may be long: it is not decoded and merged on the driver's event loop.
    return asked(bucket, plan.index(), way, range, limit)
        .thenApplyAsync(
            found -> {
              List<Row> rows = new ArrayList<>(found.size() / 2);
              for (int i = 1; i + 1 < found.size(); i += 2) {
                rows.add(row(text(found.get(i)), found.get(i + 1)));
              }
              return rows;
            });
  }

  @Override
  public CompletableFuture<Long> count(Bucket bucket, Plan plan) {
    LexRange range = plan.range(Optional.empty());
    if (range.isEmpty()) {
      return CompletableFuture.completedFuture(0L);
    }
    return asked(bucket, plan.index(), "count", range, 0)
        .thenApply(found -> Long.parseLong(text(found.get(1))));
  }

  @Override
  public void close() {
    route.close();
  }

  static String key(Bucket bucket) {
    return PREFIX + "{" + bucket.collection() + ":" + bucket.name() + "}";
  }

  private static String indexKey(Bucket bucket, List<IndexField> index) {
    return key(bucket) + ":" + name(index);
  }

  static String fenceKey(Bucket bucket) {
    return key(bucket) + "!fence";
  }

  static String indexesKey(Bucket bucket) {
    return key(bucket) + "!indexes";
  }

  /**
   * Returns what an index is called in keys, such as {@code +userId-createdAt}; the one by id has
   * no name.
   */
  static String name(List<IndexField> index) {
    return index.stream()
        .map(
            field ->
                sign(field.kind())
                    + Names.escape(field.field())
                        .replace("+", "%2B")
                        .replace("-", "%2D")
                        .replace("*", "%2A"))
        .collect(Collectors.joining());
  }

  static byte[] member(byte[] place, byte[] id) {
    byte[] member = Arrays.copyOf(place, place.length + id.length + 2);
    System.arraycopy(id, 0, member, place.length, id.length);
    member[member.length - 2] = (byte) (id.length >> 8);
    member[member.length - 1] = (byte) id.length;
    return member;
  }

  static Row row(String id, byte[] bytes) {
    return new Row(id, DocumentCodec.decode(id, bytes));
  }

  static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static String sign(IndexField.Kind kind) {
    return switch (kind) {
      case ASCENDING -> "+";
      case DESCENDING -> "-";
      case CONTAINS -> "*";
    };
  }

  private CompletableFuture<String> standing(Bucket bucket, String expected, String next) {
    byte[][] keys = {utf8(fenceKey(bucket))};
    CompletableFuture<byte[]> fence =
        route.call(key(bucket), redis -> FENCE.run(redis, keys, utf8(expected), utf8(next)));
    return fence.thenApply(RedisBuckets::text);
  }

  /** Asks an index, which is made first if documents are missing from it. */
  private CompletableFuture<List<byte[]>> asked(
      Bucket bucket, List<IndexField> index, String way, LexRange range, int limit) {
    byte[] max = range.max();
    byte[][] keys = {
      utf8(key(bucket)),
      utf8(fenceKey(bucket)),
      utf8(indexesKey(bucket)),
      utf8(indexKey(bucket, index))
    };
    byte[][] arguments = {
      utf8(name(index) + "\n"),
      utf8(way),
      bound("[", range.min()),
      max == null ? utf8("+") : bound("(", max),
      utf8(Integer.toString(limit))
    };
    CompletableFuture<List<byte[]>> found =
        route.call(key(bucket), redis -> QUERY.run(redis, keys, arguments));
    return found.thenCompose(
        answer ->
            switch (text(answer.get(0))) {
              case FENCED ->
                  CompletableFuture.failedFuture(
                      new FencedException(bucket, Optional.of(Fence.parse(text(answer.get(1))))));
              case "incomplete" ->
                  new IndexMaking(route, bucket, index)
                      .run()
                      .thenCompose(made -> asked(bucket, index, way, range, limit));
              default -> CompletableFuture.completedFuture(answer);
            });
  }

  private CompletableFuture<Optional<Row>> update(
      ShardedCollection collection, Home home, String id, UnaryOperator<Row> change, int attempt) {
    return stored(home.bucket(), id)
        // The host's function does not run on the driver's event loop.
        .thenComposeAsync(
            before -> {
              if (before.isEmpty()) {
                return CompletableFuture.completedFuture(Optional.empty());
              }
              Row after = change.apply(row(id, before.get()));
              return run(home, put(collection, after, home, IF, before.get()))
                  .thenCompose(
                      answer -> {
                        if (answer.equals("done")) {
                          return CompletableFuture.completedFuture(Optional.of(after));
                        }
                        return attempt < MAX_UPDATES
                            ? update(collection, home, id, change, attempt + 1)
                            : CompletableFuture.failedFuture(
                                new ShardingException(
                                    "lost " + attempt + " races to update " + Names.escape(id),
                                    null));
                      });
            });
  }

  private CompletableFuture<Optional<Row>> move(
      ShardedCollection collection,
      Home from,
      String id,
      Home to,
      UnaryOperator<Row> change,
      int attempt) {
    return stored(from.bucket(), id)
        .thenComposeAsync(
            before -> {
              if (before.isEmpty()) {
                return CompletableFuture.completedFuture(Optional.empty());
              }
              Row after = change.apply(row(id, before.get()));
              return sent(collection, from, id, before.get(), to, after)
                  .thenCompose(
                      moved -> {
                        if (moved) {
                          return CompletableFuture.completedFuture(Optional.of(after));
                        }
                        return attempt < MAX_UPDATES
                            ? move(collection, from, id, to, change, attempt + 1)
                            : CompletableFuture.failedFuture(
                                new ShardingException(
                                    "lost " + attempt + " races to move " + Names.escape(id),
                                    null));
                      });
            });
  }

  /** Completes with false if the document has changed. */
  private CompletableFuture<Boolean> sent(
      ShardedCollection collection, Home from, String id, byte[] before, Home to, Row after) {
    byte[][] keys = {
      utf8(key(from.bucket())),
      utf8(fenceKey(from.bucket())),
      utf8(key(to.bucket())),
      utf8(fenceKey(to.bucket())),
      utf8(indexesKey(to.bucket()))
    };
    List<byte[]> arguments = new ArrayList<>();
    arguments.add(utf8(Fence.admission(from.epoch())));
    arguments.add(utf8(id));
    arguments.add(before);
    arguments.add(utf8(Fence.admission(to.epoch())));
    arguments.add(utf8(after.id()));
    addDocument(arguments, collection, after);
    CompletableFuture<byte[]> answered =
        route.call(
            key(from.bucket()), redis -> MOVE.run(redis, keys, arguments.toArray(byte[][]::new)));
    return answered.thenApply(
        bytes -> {
          String answer = text(bytes);
          if (answer.equals("occupied")) {
            throw BucketStore.occupied(to.bucket(), after.id());
          }
          if (answer.startsWith(FENCED)) {
            boolean first = answer.startsWith("from", FENCED.length());
            String fence = answer.substring(FENCED.length() + (first ? "from" : "to").length());
            throw new FencedException(
                (first ? from : to).bucket(),
                fence.isEmpty() ? Optional.empty() : Optional.of(Fence.parse(fence)));
          }
          return answer.equals("done");
        });
  }

  private CompletableFuture<Optional<byte[]>> stored(Bucket bucket, String id) {
    byte[][] keys = {utf8(key(bucket)), utf8(fenceKey(bucket))};
    CompletableFuture<List<byte[]>> found =
        route.call(key(bucket), redis -> GET.run(redis, keys, utf8(id)));
    return found.thenApply(
        answer -> {
          if (answer.size() == 2) {
            throw new FencedException(bucket, Optional.of(Fence.parse(text(answer.get(1)))));
          }
          return answer.stream().findFirst();
        });
  }

  /** Returns what {@code put.lua} answers; fails if it is refused by the fence. */
  private CompletableFuture<String> run(Home home, byte[][] arguments) {
    Bucket bucket = home.bucket();
    byte[][] keys = {utf8(key(bucket)), utf8(fenceKey(bucket)), utf8(indexesKey(bucket))};
    CompletableFuture<byte[]> answered =
        route.call(key(bucket), redis -> PUT.run(redis, keys, arguments));
    return answered.thenApply(
        bytes -> {
          String answer = text(bytes);
          if (!answer.startsWith(FENCED)) {
            return answer;
          }
          String fence = answer.substring(FENCED.length());
          throw new FencedException(
              bucket, fence.isEmpty() ? Optional.empty() : Optional.of(Fence.parse(fence)));
        });
  }

  private static byte[][] put(
      ShardedCollection collection, Row row, Home home, byte[] when, byte[] before) {
    List<byte[]> arguments = new ArrayList<>();
    arguments.add(utf8(Fence.admission(home.epoch())));
    arguments.add(utf8(row.id()));
    arguments.add(when);
    arguments.add(before);
    arguments.add(utf8("put"));
    addDocument(arguments, collection, row);
    return arguments.toArray(byte[][]::new);
  }

  /** Adds the bytes, the names of the indexes that are kept, and name and member of each place. */
  private static void addDocument(List<byte[]> arguments, ShardedCollection collection, Row row) {
    byte[] id = utf8(row.id());
    StringBuilder names = new StringBuilder("\n");
    List<byte[]> members = new ArrayList<>();
    addMembers(members, List.of(), row, id);
    for (List<IndexField> index : collection.indexes()) {
      names.append(name(index)).append('\n');
      addMembers(members, index, row, id);
    }
    arguments.add(DocumentCodec.encode(row.fields()));
    arguments.add(utf8(names.toString()));
    arguments.addAll(members);
  }

  private static void addMembers(
      List<byte[]> arguments, List<IndexField> index, Row row, byte[] id) {
    byte[] name = utf8(name(index));
    for (byte[] place : Plan.members(index, row)) {
      arguments.add(name);
      arguments.add(member(place, id));
    }
  }

  private static byte[] bound(String kind, byte[] bytes) {
    byte[] bound = new byte[bytes.length + 1];
    bound[0] = (byte) kind.charAt(0);
    System.arraycopy(bytes, 0, bound, 1, bytes.length);
    return bound;
  }
}
