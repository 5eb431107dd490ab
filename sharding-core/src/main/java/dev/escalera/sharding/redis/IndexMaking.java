package dev.escalera.sharding.redis;

import static dev.escalera.sharding.redis.LuaScript.utf8;

import dev.escalera.sharding.IndexField;
import dev.escalera.sharding.ShardingException;
import dev.escalera.sharding.internal.Bucket;
import dev.escalera.sharding.internal.Plan;
import io.lettuce.core.ScriptOutputType;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

/**
 * Makes an index that was declared when a bucket had documents: adds each, and then declares it
 * complete, unless a writer that does not keep it has written meanwhile; then all again.
 */
final class IndexMaking {
  private static final int MAX_RUNS = 10;
  private static final int AT_ONCE = 500;
  private static final LuaScript BEGIN = LuaScript.load("index-begin.lua", ScriptOutputType.VALUE);
  private static final LuaScript ADD = LuaScript.load("index-add.lua", ScriptOutputType.INTEGER);
  private static final LuaScript END = LuaScript.load("index-end.lua", ScriptOutputType.VALUE);
  private static final LuaScript SCAN = LuaScript.load("scan.lua", ScriptOutputType.MULTI);

  private final Route route;
  private final Bucket bucket;
  private final List<IndexField> index;
  private final String name;
  private final byte[] who = utf8(UUID.randomUUID().toString());

  IndexMaking(Route route, Bucket bucket, List<IndexField> index) {
    this.route = route;
    this.bucket = bucket;
    this.index = index;
    this.name = RedisBuckets.name(index);
  }

  CompletableFuture<Void> run() {
    return run(1);
  }

  private CompletableFuture<Void> run(int number) {
    if (number > MAX_RUNS) {
      return CompletableFuture.failedFuture(
          new ShardingException(
              "index "
                  + name
                  + " of bucket "
                  + bucket
                  + " cannot be made while another process writes that does not declare it",
              null));
    }
    return marked(BEGIN)
        .thenCompose(
            begun ->
                begun.equals("complete")
                    ? CompletableFuture.completedFuture(null)
                    : addFrom("0")
                        .thenCompose(added -> marked(END))
                        .thenCompose(
                            ended ->
                                ended.equals("complete")
                                    ? CompletableFuture.completedFuture(null)
                                    : run(number + 1)));
  }

  private CompletableFuture<String> marked(LuaScript script) {
    byte[][] keys = {utf8(RedisBuckets.indexesKey(bucket))};
    CompletableFuture<byte[]> answer =
        route.call(
            RedisBuckets.key(bucket), redis -> script.run(redis, keys, utf8(name + "\n"), who));
    return answer.thenApply(RedisBuckets::text);
  }

  private CompletableFuture<Void> addFrom(String cursor) {
    byte[][] keys = {utf8(RedisBuckets.key(bucket))};
    byte[] count = utf8(Integer.toString(AT_ONCE));
    CompletableFuture<List<byte[]>> scanned =
        route.call(RedisBuckets.key(bucket), redis -> SCAN.run(redis, keys, utf8(cursor), count));
    return scanned
        // Not on the driver's event loop.
        .thenComposeAsync(
        found ->
            add(found)
                .thenCompose(
                    done -> {
                      String next = RedisBuckets.text(found.get(0));
                      return next.equals("0")
                          ? CompletableFuture.completedFuture(null)
                          : addFrom(next);
                    }));
  }

  private CompletableFuture<Long> add(List<byte[]> found) {
    List<byte[]> arguments = new ArrayList<>();
    arguments.add(utf8(name));
    for (int i = 1; i + 1 < found.size(); i += 2) {
      byte[] id = found.get(i);
      List<byte[]> places =
          Plan.members(index, RedisBuckets.row(RedisBuckets.text(id), found.get(i + 1)));
      arguments.add(id);
      arguments.add(found.get(i + 1));
      arguments.add(utf8(Integer.toString(places.size())));
      places.forEach(place -> arguments.add(RedisBuckets.member(place, id)));
    }
    byte[][] keys = {utf8(RedisBuckets.key(bucket))};
    return route.call(
        RedisBuckets.key(bucket), redis -> ADD.run(redis, keys, arguments.toArray(byte[][]::new)));
  }
}
