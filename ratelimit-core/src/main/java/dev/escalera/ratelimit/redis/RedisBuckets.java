package dev.escalera.ratelimit.redis;

import static dev.escalera.ratelimit.redis.LuaScript.utf8;

import dev.escalera.ratelimit.internal.Figures;
import dev.escalera.ratelimit.internal.Keys;
import dev.escalera.ratelimit.internal.Store;
import dev.escalera.ratelimit.internal.Target;
import dev.escalera.ratelimit.internal.TokenBucket;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.cluster.SlotHash;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/** The buckets in Redis: one string a bucket, which expires when it is full. */
final class RedisBuckets implements Store {
  private static final LuaScript ACQUIRE = LuaScript.load("acquire.lua", ScriptOutputType.MULTI);
  private static final LuaScript RESET = LuaScript.load("reset.lua", ScriptOutputType.INTEGER);
  private static final byte[] NONE = new byte[0];

  private final RedisCalls calls;
  private final boolean cluster;
  private final Supplier<OptionalLong> clock;
  private final NodeCount nodes;

  RedisBuckets(
      RedisCalls calls, boolean cluster, Supplier<OptionalLong> clock, boolean countNodes) {
    this.calls = calls;
    this.cluster = cluster;
    this.clock = clock;
    this.nodes = new NodeCount(calls, countNodes);
  }

  @Override
  public void check(List<Target> targets) {
    if (!cluster) {
      return;
    }
    int slot = slot(targets.get(0));
    for (Target target : targets) {
      if (slot(target) != slot) {
        throw new IllegalArgumentException(
            targets.get(0).key()
                + " and "
                + target.key()
                + " are in the slots "
                + slot
                + " and "
                + slot(target)
                + " of the cluster, expected one; limits of one subject are in one");
      }
    }
  }

  @Override
  public CompletionStage<Reply> take(Batch batch, long timeoutNanos) {
    List<Target> targets = batch.targets();
    int buckets = targets.size();
    byte[][] keys = new byte[buckets][];
    List<byte[]> arguments = new ArrayList<>(buckets + 4);
    OptionalLong now = clock.get();
    arguments.add(now.isPresent() ? number(now.getAsLong()) : NONE);
    arguments.add(number(batch.debit()));
    for (int i = 0; i < buckets; i++) {
      keys[i] = utf8(key(targets.get(i).key()));
      arguments.add(utf8(targets.get(i).figures().text()));
    }
    addRuns(batch.costs(), arguments);
    byte[][] values = arguments.toArray(byte[][]::new);
    return calls
        .<List<Object>>call(redis -> ACQUIRE.run(redis, keys, values), timeoutNanos)
        .thenApply(reply -> reply(targets, reply));
  }

  @Override
  public CompletionStage<?> reset(Target target, long timeoutNanos) {
    byte[][] keys = {utf8(key(target.key()))};
    return calls.<Long>call(redis -> RESET.run(redis, keys), timeoutNanos);
  }

  @Override
  public boolean isAvailable() {
    return calls.isAvailable();
  }

  @Override
  public int nodes() {
    return nodes.last();
  }

  @Override
  public void close() {
    nodes.close();
    calls.close();
  }

  /** Limits of one subject share a hash tag, so that a cluster can decide on them together. */
  static String key(Target.Key key) {
    return "escalera:ratelimit:{" + Keys.escape(key.subject()) + "}:" + Keys.escape(key.limit());
  }

  private static int slot(Target target) {
    return SlotHash.getSlot(key(target.key()));
  }

  /** Equal costs that follow each other as the cost and how often. */
  private static void addRuns(List<Long> costs, List<byte[]> arguments) {
    for (int i = 0; i < costs.size(); ) {
      int end = i + 1;
      while (end < costs.size() && costs.get(end).equals(costs.get(i))) {
        end++;
      }
      arguments.add(number(costs.get(i)));
      arguments.add(number(end - i));
      i = end;
    }
  }

  private static Reply reply(List<Target> targets, List<Object> reply) {
    long now = (Long) reply.get(0);
    List<TokenBucket> before = new ArrayList<>(targets.size());
    for (int i = 0; i < targets.size(); i++) {
      byte[] holding = (byte[]) reply.get(4 + 3 * i);
      Figures figures =
          holding.length == 0
              ? targets.get(i).figures()
              : Figures.parse(new String(holding, StandardCharsets.US_ASCII));
      before.add(
          new TokenBucket((Long) reply.get(2 + 3 * i), (Long) reply.get(3 + 3 * i), now, figures));
    }
    return new Reply(before, (Long) reply.get(1), 0);
  }

  private static byte[] number(long number) {
    return utf8(Long.toString(number));
  }
}
