package dev.escalera.sharding.redis;

import static dev.escalera.sharding.redis.LuaScript.utf8;

import dev.escalera.sharding.Direction;
import dev.escalera.sharding.Document;
import dev.escalera.sharding.Order;
import dev.escalera.sharding.ShardedCollection;
import dev.escalera.sharding.ShardingException;
import dev.escalera.sharding.internal.After;
import dev.escalera.sharding.internal.Bounded;
import dev.escalera.sharding.internal.Bucket;
import dev.escalera.sharding.internal.BucketStore;
import dev.escalera.sharding.internal.DocumentCodec;
import dev.escalera.sharding.internal.LexRange;
import dev.escalera.sharding.internal.Names;
import dev.escalera.sharding.internal.Plan;
import io.lettuce.core.RedisClient;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.SetArgs;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/** Buckets in Redis. */
final class RedisBuckets implements BucketStore {
  private static final int MAX_IN_FLIGHT = 20_000;
  private static final int MAX_UPDATES = 1_000;
  private static final String PREFIX = "escalera:shard:";
  private static final LuaScript PUT = LuaScript.load("put.lua", ScriptOutputType.INTEGER);
  private static final LuaScript GET = LuaScript.load("get.lua", ScriptOutputType.VALUE);
  private static final LuaScript QUERY = LuaScript.load("query.lua", ScriptOutputType.MULTI);

  /** When {@code put.lua} writes: always, or if the document is still as it was. */
  private static final byte[] ANY = utf8("any");

  private static final byte[] IF = utf8("if");
  private static final byte[] NOTHING = {};

  private final RedisLink link;

  RedisBuckets(RedisClient client, Duration deadline) {
    this.link = new RedisLink(client, "RedisShardRouter", deadline, MAX_IN_FLIGHT);
  }

  @Override
  public CompletableFuture<Void> register(Collection<Bucket> buckets) {
    Map<String, List<Bucket>> byCollection =
        buckets.stream().collect(Collectors.groupingBy(Bucket::collection));
    List<CompletableFuture<Long>> added = new ArrayList<>();
    byCollection.forEach(
        (collection, made) -> {
          byte[][] names = made.stream().map(bucket -> utf8(bucket.name())).toArray(byte[][]::new);
          added.add(
              link.call(
                  redis -> redis.async().sadd(utf8(PREFIX + collection + ":buckets"), names)));
        });
    return CompletableFuture.allOf(added.toArray(CompletableFuture<?>[]::new));
  }

  @Override
  public CompletableFuture<List<String>> buckets(String collection) {
    return link.call(redis -> redis.async().smembers(utf8(PREFIX + collection + ":buckets")))
        .thenApply(names -> names.stream().map(RedisBuckets::text).toList());
  }

  @Override
  public CompletableFuture<Void> put(ShardedCollection collection, Placed placed) {
    return run(placed.bucket(), put(collection, placed.document(), ANY, NOTHING))
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
  public CompletableFuture<Optional<Document>> get(Bucket bucket, String id) {
    return stored(bucket, id)
        .thenApply(bytes -> bytes.map(found -> DocumentCodec.decode(id, found)));
  }

  @Override
  public CompletableFuture<Optional<Document>> update(
      ShardedCollection collection, Bucket bucket, String id, UnaryOperator<Document> change) {
    return update(collection, bucket, id, change, 1);
  }

  @Override
  public CompletableFuture<Void> delete(ShardedCollection collection, Bucket bucket, String id) {
    byte[][] arguments = {utf8(id), ANY, NOTHING, utf8("delete")};
    return run(bucket, arguments).thenApply(done -> null);
  }

  @Override
  public CompletableFuture<List<Document>> query(
      Bucket bucket, Plan plan, Optional<After> after, int limit) {
    LexRange range = plan.range(after);
    if (range.isEmpty()) {
      return CompletableFuture.completedFuture(List.of());
    }
    byte[] max = range.max();
    byte[][] keys = {utf8(key(bucket)), utf8(key(bucket) + ":" + name(plan.index()))};
    byte[][] arguments = {
      utf8(plan.reversed() ? "backwards" : "forwards"),
      bound("[", range.min()),
      max == null ? utf8("+") : bound("(", max),
      utf8(Integer.toString(limit))
    };
    CompletableFuture<List<byte[]>> found =
        link.call(redis -> QUERY.run(redis.async(), keys, arguments));
    // A page may be long: it is not decoded and merged on the driver's event loop.
    return found.thenApplyAsync(
        pairs -> {
          List<Document> documents = new ArrayList<>(pairs.size() / 2);
          for (int i = 0; i + 1 < pairs.size(); i += 2) {
            documents.add(DocumentCodec.decode(text(pairs.get(i)), pairs.get(i + 1)));
          }
          return documents;
        });
  }

  @Override
  public CompletableFuture<Long> count(Bucket bucket) {
    return link.call(redis -> redis.async().hlen(utf8(key(bucket))));
  }

  @Override
  public CompletableFuture<byte[]> secret(byte[] proposed) {
    byte[] key = utf8(PREFIX + "cursor-secret");
    return link.call(redis -> redis.async().set(key, proposed, SetArgs.Builder.nx()))
        .thenCompose(done -> link.call(redis -> redis.async().get(key)));
  }

  @Override
  public void close() {
    link.close();
  }

  static String key(Bucket bucket) {
    return PREFIX + "{" + bucket.collection() + ":" + bucket.name() + "}";
  }

  /**
   * Returns what an index is called in keys, such as {@code +userId-createdAt}; the one by id has
   * no name.
   */
  static String name(List<Order> index) {
    return index.stream()
        .map(
            order ->
                (order.direction() == Direction.ASCENDING ? "+" : "-")
                    + Names.escape(order.field()).replace("+", "%2B").replace("-", "%2D"))
        .collect(Collectors.joining());
  }

  private CompletableFuture<Optional<Document>> update(
      ShardedCollection collection,
      Bucket bucket,
      String id,
      UnaryOperator<Document> change,
      int attempt) {
    return stored(bucket, id)
        // The host's function does not run on the driver's event loop.
        .thenComposeAsync(
            before -> {
              if (before.isEmpty()) {
                return CompletableFuture.completedFuture(Optional.empty());
              }
              Document after = change.apply(DocumentCodec.decode(id, before.get()));
              return run(bucket, put(collection, after, IF, before.get()))
                  .thenCompose(
                      done -> {
                        if (done == 1) {
                          return CompletableFuture.completedFuture(Optional.of(after));
                        }
                        return attempt < MAX_UPDATES
                            ? update(collection, bucket, id, change, attempt + 1)
                            : CompletableFuture.failedFuture(
                                new ShardingException(
                                    "lost " + attempt + " races to update " + Names.escape(id),
                                    null));
                      });
            });
  }

  private CompletableFuture<Optional<byte[]>> stored(Bucket bucket, String id) {
    byte[][] keys = {utf8(key(bucket))};
    CompletableFuture<byte[]> found = link.call(redis -> GET.run(redis.async(), keys, utf8(id)));
    return found.thenApply(Optional::ofNullable);
  }

  private CompletableFuture<Long> run(Bucket bucket, byte[][] arguments) {
    byte[][] keys = {utf8(key(bucket))};
    return link.call(redis -> PUT.run(redis.async(), keys, arguments));
  }

  private static byte[][] put(
      ShardedCollection collection, Document document, byte[] when, byte[] before) {
    List<byte[]> arguments = new ArrayList<>();
    byte[] id = utf8(document.id());
    arguments.addAll(
        List.of(id, when, before, utf8("put"), DocumentCodec.encode(document.fields())));
    addMember(arguments, List.of(), document, id);
    collection.indexes().forEach(index -> addMember(arguments, index, document, id));
    return arguments.toArray(byte[][]::new);
  }

  private static void addMember(
      List<byte[]> arguments, List<Order> index, Document document, byte[] id) {
    Plan.member(index, document)
        .ifPresent(
            place -> {
              arguments.add(utf8(name(index)));
              byte[] member = Arrays.copyOf(place, place.length + id.length + 2);
              System.arraycopy(id, 0, member, place.length, id.length);
              member[member.length - 2] = (byte) (id.length >> 8);
              member[member.length - 1] = (byte) id.length;
              arguments.add(member);
            });
  }

  private static byte[] bound(String kind, byte[] bytes) {
    byte[] bound = new byte[bytes.length + 1];
    bound[0] = (byte) kind.charAt(0);
    System.arraycopy(bytes, 0, bound, 1, bytes.length);
    return bound;
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
